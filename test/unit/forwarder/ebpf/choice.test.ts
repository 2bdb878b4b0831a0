import assert from 'node:assert/strict';
import { TsflannelError } from '../../../../src/errors.ts';
import { chosenForwarder } from '../../../../src/forwarder/ebpf/choice.ts';
import type { Forwarder } from '../../../../src/forwarder/forwarder.ts';
import type { Carrier, Forward } from '../../../../src/kernel/state.ts';
import type { CarrierType } from '../../../../src/model/backend-config.ts';
import { ip, prefix } from '../../../contract/kernel/objects.ts';

const carrier = (type?: CarrierType): Carrier => ({
  kind: 'carrier',
  ...(type && { type }),
  device: 'flannel0',
  local: ip('10.200.0.1'),
  port: 8285,
  mtu: 1472,
  network: prefix('172.20.0.0/16'),
  subnet: prefix('172.20.57.0/24'),
  sourceCheck: 'strict',
  directDelivery: false,
});
const forward: Forward = {
  kind: 'forward',
  device: 'flannel0',
  subnet: prefix('172.20.1.0/24'),
  nextHop: ip('10.200.0.2'),
  port: 8285,
};

/** Forwarders that note what is done with them; `ebpf` starts only while it may. */
function stage() {
  const said: string[] = [];
  const may = { ebpf: true };
  const ends = new Map<CarrierType, () => void>();
  function fake(type: CarrierType): Forwarder {
    let running: Carrier | undefined;
    let table: readonly Forward[] = [];
    return {
      async start(wanted) {
        said.push(`${type} start ${table.length}`);
        if (type === 'ebpf' && !may.ebpf)
          throw new TsflannelError('KERNEL_REFUSED', { detail: 'loading a program', why: 'no such luck' });
        running = { ...wanted, type };
      },
      setForwards: (forwards) => {
        table = forwards;
      },
      running: () => running && { carrier: running, forwards: table },
      onEnd(listener) {
        ends.set(type, listener);
        return () => undefined;
      },
      counters: () => undefined,
      report: () => running && { type, how: 'somehow' },
      async stop() {
        said.push(`${type} stop`);
        running = undefined;
      },
    };
  }
  const chosen = chosenForwarder({ ebpf: () => fake('ebpf'), tun: () => fake('tun') }, () => void said.push('clear'));
  return { said, may, ends, chosen };
}

describe('forwarder/ebpf/choice', () => {
  it('takes programs where any carrier will do, with the table that came before', async () => {
    const { chosen, said } = stage();
    chosen.setForwards([forward]);
    await chosen.start(carrier());
    assert.deepEqual(said, ['ebpf start 1']);
    assert.deepEqual(chosen.running(), { carrier: carrier('ebpf'), forwards: [forward] });
    assert.deepEqual(chosen.report(), { type: 'ebpf', how: 'somehow' });
  });

  it('falls back to tun, says why, and takes away what is left of programs', async () => {
    const { chosen, said, may } = stage();
    may.ebpf = false;
    chosen.setForwards([forward]);
    await chosen.start(carrier());
    assert.deepEqual(said, ['ebpf start 1', 'ebpf stop', 'clear', 'tun start 1']);
    assert.equal(chosen.running()?.carrier.type, 'tun');
    assert.match(chosen.report()?.instead ?? '', /^ebpf: .*loading a program.*no such luck/);
  });

  it('tells when what runs has ended by itself, whichever it is, as long as one listens', async () => {
    const { chosen, may, ends } = stage();
    let heard = 0;
    const deafen = chosen.onEnd(() => heard++);
    await chosen.start(carrier());
    ends.get('ebpf')?.();
    may.ebpf = false;
    await chosen.start(carrier());
    ends.get('tun')?.();
    assert.equal(heard, 2);
    deafen();
    ends.get('tun')?.();
    assert.equal(heard, 2);
  });

  it('fails where programs are asked for and do not work', async () => {
    const { chosen, said, may } = stage();
    may.ebpf = false;
    await assert.rejects(chosen.start(carrier('ebpf')), /loading a program/);
    assert.deepEqual(said, ['ebpf start 0', 'ebpf stop']);
    assert.deepEqual([chosen.running(), chosen.report()], [undefined, undefined]);
  });

  it('takes away the programs of a former daemon where tun is asked for', async () => {
    const { chosen, said } = stage();
    await chosen.start(carrier('tun'));
    assert.deepEqual(said, ['clear', 'tun start 0']);
  });

  it('changes from one to the other with the table, and keeps the one that runs', async () => {
    const { chosen, said } = stage();
    await chosen.start(carrier('tun'));
    chosen.setForwards([forward]);
    await chosen.start(carrier('tun'));
    await chosen.start(carrier('ebpf'));
    assert.deepEqual(said, ['clear', 'tun start 0', 'clear', 'tun start 1', 'tun stop', 'ebpf start 1']);
    await chosen.stop();
    assert.equal(chosen.running(), undefined);
  });
});
