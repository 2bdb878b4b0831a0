import assert from 'node:assert/strict';
import { ask } from '../../../src/control/client.ts';
import { type DaemonRig, daemonRig } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

describe('what systemd is told', () => {
  let rig: DaemonRig;
  const tell = (message: string): void => void rig.notices.push(message);
  const lines = (): string[] => rig.notices.flatMap((message) => message.split('\n'));
  const told = (line: RegExp): Promise<void> => until(String(line), () => lines().some((one) => line.test(one)));
  beforeEach(async () => {
    rig = await daemonRig();
  });
  afterEach(async () => {
    await ask(rig.options.runDir, 'stop');
    await until('it ends', () => rig.notices.at(-1) === 'STOPPING=1');
    await rig.remove();
  });

  it('that it lives, at half of the watchdog’s time, and nothing twice', async () => {
    await rig.run({ systemd: { tell, watchdogMs: 20 } }).ready;
    await until('it lives', () => lines().filter((line) => line === 'WATCHDOG=1').length > 5);
    const states = lines().filter((line) => line.startsWith('STATUS=leases'));
    assert.ok(states.length <= 2, states.join('\n'));
  });

  it('what it waits for, what is not well, and that this is over', async () => {
    rig.etcd.setUp(false);
    const { ready } = rig.run({ systemd: { tell, watchdogMs: 20 } }, { patient: true });
    await told(/^STATUS=waiting: etcd/);
    rig.etcd.setUp(true);
    await ready;
    await told(/^STATUS=leases 10\.5\.\d+\.0\/24$/);
    rig.etcd.setUp(false);
    await told(/^STATUS=leases 10\.5\.\d+\.0\/24; etcd: /);
    const before = lines().length;
    rig.etcd.setUp(true);
    await until('it is well again', () =>
      lines()
        .slice(before)
        .some((line) => /^STATUS=leases 10\.5\.\d+\.0\/24$/.test(line)),
    );
  });

  it('that it looks at everything anew on SIGHUP, and when that is done', async () => {
    await rig.run().ready;
    const before = rig.notices.length;
    process.emit('SIGHUP');
    await until('it is ready again', () => rig.notices.slice(before).includes('READY=1'));
    assert.match(rig.notices[before] ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  });
});
