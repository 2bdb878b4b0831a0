import assert from 'node:assert/strict';
import { carrierChecks, sourceChecks } from '../../../src/daemon/carrier-checks.ts';
import type { PeerTraffic } from '../../../src/model/carrier-report.ts';
import { ip, nodeLease, prefix } from '../../support/values.ts';

const NONE = { packets: 0, bytes: 0 };
const SOME = { packets: 3, bytes: 300 };
const peer = (change: Partial<PeerTraffic> = {}): PeerTraffic => ({
  subnet: prefix('10.5.2.0/24'),
  sent: SOME,
  received: SOME,
  refused: 0,
  ...change,
});
const leases = [nodeLease('10.5.2.0/24', 2), nodeLease('10.5.3.0/24', 3)];

describe('daemon/carrier-checks', () => {
  it('say which carrier runs, and why not a better one', () => {
    const [carrier, sources] = carrierChecks(
      { type: 'tun', how: 'a thread', instead: 'ebpf: the kernel refused: loading' },
      [peer()],
      leases,
    );
    assert.deepEqual(carrier, {
      name: 'carrier',
      state: 'ok',
      detail: 'tun: a thread; not ebpf: the kernel refused: loading',
    });
    assert.deepEqual(sources, { name: 'sources', state: 'ok', detail: 'none refused' });
  });

  it('complain when none runs', () => {
    assert.deepEqual(
      carrierChecks(undefined, [], leases).map(({ name, state }) => [name, state]),
      [['carrier', 'degraded']],
    );
  });

  it('name the peer of whom nothing is taken, where its packets come from and where they should', () => {
    const shutOut = peer({ received: NONE, refused: 7, refusedFrom: ip('10.200.0.9') });
    const [, sources] = carrierChecks(
      { type: 'ebpf', how: '' },
      [peer({ subnet: prefix('10.5.3.0/24') }), shutOut],
      leases,
    );
    assert.equal(sources?.state, 'degraded');
    assert.match(
      sources?.detail ?? '',
      /^7 packets of n2 \(10.5.2.0\/24\) came from 10.200.0.9, but its lease says 10.200.0.2/,
    );
  });

  it('count what is forged in the name of a peer that is well', () => {
    const [, sources] = carrierChecks({ type: 'ebpf', how: '' }, [peer({ refused: 7 }), peer({ refused: 2 })], leases);
    assert.deepEqual(sources, { name: 'sources', state: 'ok', detail: '9 forged packets refused' });
  });

  it('say of a kernel backend what was dropped, whose packets are not taken, and why nothing is checked', () => {
    const { sent: _, ...heard } = peer();
    const drops = { 'inner-source-foreign': 2, 'not-ip4': 0 };
    assert.deepEqual(sourceChecks({ drops, peers: [heard] }, undefined, leases), [
      { name: 'sources', state: 'ok', detail: 'dropped: 2 inner-source-foreign' },
    ]);
    assert.equal(sourceChecks({ drops: {}, peers: [heard] }, undefined, leases)[0]?.detail, 'none refused');
    const shutOut = { ...heard, received: NONE, refused: 7, refusedFrom: ip('10.200.0.9') };
    assert.match(sourceChecks({ drops, peers: [shutOut] }, undefined, leases)[0]?.detail ?? '', /from 10\.200\.0\.9/);
    const [missing] = sourceChecks(undefined, 'nft is not installed', leases);
    assert.equal(missing?.state, 'degraded');
    assert.match(missing?.detail ?? '', /nft is not installed/);
    assert.deepEqual(sourceChecks(undefined, undefined, leases), []);
  });
});
