/** The real firewalld, in a root of its own and in the host's network namespace, reloads while our rules are there. */
import assert from 'node:assert/strict';
import { type DebianRoot, openDebianRoot } from '../support/debian-root.ts';
import { type Ground, type Host, makeGround, type Running } from '../support/ground.ts';
import { leftNothing, type Snapshot, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const NAME = 'tsfw';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };

/** A bus that starts nothing by itself. */
const BUS = `<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`;
/** The backend that rebuilds the tables ours are in. */
const CONFIG = 'DefaultZone=public\nFirewallBackend=iptables\nFlushAllOnReload=yes\n';

describe('firewalld', function () {
  this.timeout(240_000);
  let before_: Snapshot | undefined;
  let ground: Ground;
  let host: Host;
  let root: DebianRoot;
  let firewalld: Running;
  /** Numbers that the kernel gives anew when a rule is made again. */
  const handles = async (): Promise<string[]> =>
    [
      ...(await host.run('nft', '-a', 'list', 'table', 'ip', 'filter')).matchAll(/jump TSFLANNEL-FWD # (handle \d+)/g),
    ].map(([, handle = '']) => handle);

  before(async () => {
    before_ = await snapshot(MINE);
    ground = await makeGround(NAME, 1);
    host = ground.hosts[0] as Host;
    await host.tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', 'vxlan');
    root = await openDebianRoot('firewalld', {
      folders: ['/etc/firewalld', '/run/dbus'],
      files: [
        { path: '/etc/firewalld/firewalld.conf', content: CONFIG },
        { path: '/bus.conf', content: BUS },
      ],
    });
    host.start([...root.enter, 'dbus-daemon', '--config-file=/bus.conf', '--nofork', '--nopidfile']);
    await until('the bus is there', () =>
      host.run(...root.enter, 'ls', '/run/dbus/system_bus_socket').then(
        () => true,
        () => false,
      ),
    );
    firewalld = host.start([...root.enter, 'firewalld', '--nofork', '--nopid']);
    const chains = () => host.run('iptables-save', '-t', 'filter');
    await until('firewalld has its chains', async () => /FWD_public/.test(await chains()));
    await host.tsflannel('up', '--detach', '--ip-masq');
  });
  after(async () => {
    await host?.tsflannel('down');
    await firewalld?.stop();
    await ground?.close();
    await root?.close();
    if (before_) await leftNothing(before_, () => snapshot(MINE));
  });

  it('takes our rules away when it reloads; they are back, once and first', async () => {
    const before = await handles();
    process.kill(firewalld.pid, 'SIGHUP');
    await until('they were made again', async () => (await handles()).some((handle) => !before.includes(handle)));
    const forward = async (): Promise<string[]> => (await host.run('iptables', '-S', 'FORWARD')).split('\n').slice(1);
    // The reload goes on: its own chains come last.
    const reloaded = async (): Promise<boolean> => (await forward()).some((rule) => rule.endsWith('-j FORWARD_ZONES'));
    await until('firewalld has reloaded', reloaded);
    const isFirst = async (): Promise<boolean> => /-j TSFLANNEL-FWD$/.test((await forward())[0] ?? '');
    await until('ours is first', isFirst);
    await until('nothing is to be done', async () => /^No change/.test(await host.tsflannel('plan')));
    assert.equal((await forward()).filter((rule) => rule.endsWith('-j TSFLANNEL-FWD')).length, 1);
    assert.equal((await host.run('iptables-save', '-t', 'nat')).match(/-j TSFLANNEL-POSTRTG/g)?.length, 1);
  });
});
