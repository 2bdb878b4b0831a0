import assert from 'node:assert/strict';
import { leaseConflict, overlapsOf } from '../../../src/config/check.ts';
import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import type { KernelObject } from '../../../src/kernel/state.ts';
import { prefixOf } from '../../../src/model/address.ts';
import { docker0, underlay } from '../../support/scene.ts';
import { ip, networkOf, nodeLease, prefix } from '../../support/values.ts';

/** A route through eth0's gateway; protocol 4 is `static`. */
const via = (cidr: string, protocol = 4): KernelObject => ({
  kind: 'route',
  dst: prefixOf(ip(cidr.split('/')[0] ?? ''), Number(cidr.split('/')[1])),
  via: ip('10.200.0.254'),
  device: 'eth0',
  onlink: false,
  metric: 0,
  protocol,
});

async function overlap(network: string, ...objects: readonly KernelObject[]) {
  const kernel = memoryKernel();
  for (const object of [...underlay(1), ...objects]) kernel.foreign(object);
  return overlapsOf(prefix(network), await kernel.observe({ paths: [], sysctls: [] }));
}

describe('a network against the routes of this host', () => {
  it('overlaps the host’s own network: that route is named', async () => {
    const { conflicts } = await overlap('10.200.0.0/16');
    assert.deepEqual(conflicts, ['10.200.0.0/24 dev eth0 (proto 2 on eth0)']);
  });

  it('overlaps a wider route, or a narrower one', async () => {
    assert.equal((await overlap('10.5.0.0/16', via('10.0.0.0/8'))).conflicts.length, 1);
    assert.equal((await overlap('10.5.0.0/16', via('10.5.7.0/24'))).conflicts.length, 1);
    assert.equal((await overlap('10.5.0.0/16', via('10.6.0.0/16'))).conflicts.length, 0);
  });

  it('does not overlap the default route, nor the halves that a VPN makes of it', async () => {
    assert.deepEqual(await overlap('10.5.0.0/16', via('0.0.0.0/0')), { conflicts: [], notes: [] });
    assert.deepEqual(await overlap('10.5.0.0/16', via('0.0.0.0/1'), via('128.0.0.0/1')), { conflicts: [], notes: [] });
  });

  it('expects docker0 there, and says what will be done', async () => {
    const { conflicts, notes } = await overlap('172.17.0.0/16', ...docker0('172.17.0.0/16'));
    assert.deepEqual(conflicts, []);
    assert.match(notes.join(), /docker0 is on 172\.17\.0\.0\/16.*'tsflannel docker apply' re-addresses it/);
  });

  it('expects networks of containers in the subnet that this node leases, and only there', async () => {
    const kernel = memoryKernel();
    for (const object of [...underlay(1), via('10.5.7.128/25'), via('10.5.8.0/24')]) kernel.foreign(object);
    const state = await kernel.observe({ paths: [], sysctls: [] });
    const { conflicts } = overlapsOf(prefix('10.5.0.0/16'), state, prefix('10.5.7.0/24'));
    assert.deepEqual(conflicts, ['10.5.8.0/24 dev eth0 (proto 4 on eth0)']);
  });

  it('passes over our own routes', async () => {
    assert.deepEqual((await overlap('10.5.0.0/16', via('10.5.7.0/24', 241))).conflicts, []);
  });
});

describe('live leases against a new config', () => {
  const now = networkOf({ Backend: { Type: 'vxlan' } });
  const leases = [nodeLease('10.5.7.0/24', 2)];
  const conflict = (json: Record<string, unknown>) => leaseConflict(now, networkOf(json), leases) ?? 'none';

  it('can follow what leaves them as they are', () => {
    for (const json of [{ SubnetMin: '10.5.7.0' }, { SubnetMax: '10.5.7.0' }, { Network: '10.4.0.0/14' }])
      assert.equal(conflict({ Backend: { Type: 'vxlan' }, ...json }), 'none');
    assert.equal(leaseConflict(now, networkOf({ Network: '10.9.0.0/16' }), []), undefined);
  });

  it('cannot follow the rest, each for its reason', () => {
    const vxlan = { Backend: { Type: 'vxlan' } };
    assert.match(
      conflict({ ...vxlan, Network: '10.6.0.0/16' }),
      /10\.5\.7\.0\/24 is leased and outside 10\.6\.0\.0\/16/,
    );
    assert.match(conflict({ ...vxlan, SubnetLen: 25 }), /subnets would be \/25/);
    assert.match(conflict({ ...vxlan, SubnetMax: '10.5.6.0' }), /outside SubnetMin to SubnetMax/);
    assert.match(conflict({ ...vxlan, SubnetMin: '10.5.8.0' }), /outside SubnetMin to SubnetMax/);
    assert.match(conflict({}), /speaks vxlan, not udp/);
    assert.match(conflict({ Backend: { Type: 'vxlan', VNI: 7 } }), /old options of vxlan/);
  });
});
