import assert from 'node:assert/strict';
import { choose, fits, type Situation } from '../../../src/lease/choose.ts';
import { printPrefix } from '../../../src/model/address.ts';
import { ip, leaseOf, networkOf, nodeId, nodeLease, prefix } from '../../support/values.ts';

const flanneld = (subnet: string, publicIp: string, key = subnet) => ({
  ...leaseOf(subnet, JSON.stringify({ PublicIP: publicIp, PublicIPv6: null })),
  ...(key === subnet ? {} : { subnet6: prefix(key) }),
});

const situation = (parts: Partial<Situation> = {}): Situation => ({
  network: networkOf(),
  leases: [],
  refused: [],
  nodeId: nodeId(1),
  publicIp: ip('10.200.0.1'),
  remembered: [],
  random: () => 0,
  ...parts,
});

/** `own SUBNET`, `exhausted`, or the free ones in order. */
function chosen(parts: Partial<Situation>): string | string[] {
  const choice = choose(situation(parts));
  if (choice.kind === 'own') return `own ${printPrefix(choice.lease.subnet)}`;
  return choice.kind === 'free' ? choice.subnets.map(printPrefix) : `exhausted ${choice.count}`;
}
const sorted = (parts: Partial<Situation>): string[] => [...chosen(parts)].sort();

/** Four subnets: 10.5.0.64/26 … is the first that is leased. */
const SMALL = networkOf({ Network: '10.5.0.0/24', SubnetLen: 26 });

describe('choosing a subnet', () => {
  it('takes our own lease by node id, wherever its address has gone', () => {
    const leases = [nodeLease('10.5.9.0/24', 2), { ...nodeLease('10.5.7.0/24', 1), publicIp: ip('10.200.0.77') }];
    assert.equal(chosen({ leases }), 'own 10.5.7.0/24');
  });

  it('takes over by address what flanneld left, never a node’s that has an id', () => {
    assert.equal(chosen({ leases: [flanneld('10.5.7.0/24', '10.200.0.1')] }), 'own 10.5.7.0/24');
    const other = { ...nodeLease('10.5.7.0/24', 2), publicIp: ip('10.200.0.1') };
    assert.ok(Array.isArray(chosen({ leases: [other] })));
    assert.ok(Array.isArray(chosen({ leases: [flanneld('10.5.7.0/24', '10.200.0.2')] })));
  });

  it('prefers its id to its address, and leaves a flanneld its dual-stack lease', () => {
    assert.equal(
      chosen({ leases: [flanneld('10.5.7.0/24', '10.200.0.1'), nodeLease('10.5.8.0/24', 1)] }),
      'own 10.5.8.0/24',
    );
    assert.ok(Array.isArray(chosen({ leases: [flanneld('10.5.7.0/24', '10.200.0.1', 'fc00::/64')] })));
  });

  it('passes over our own leases that do not fit the config, and their addresses', () => {
    const stale = nodeLease('10.5.0.128/25', 1);
    assert.deepEqual(sorted({ network: SMALL, leases: [stale] }), ['10.5.0.64/26']);
    assert.equal(chosen({ network: SMALL, leases: [stale, nodeLease('10.5.0.64/26', 1)] }), 'own 10.5.0.64/26');
  });

  it('prefers what it had before, if that is free and fits', () => {
    const remembered = ['10.5.0.192/26', '10.5.0.0/26', '10.5.0.0/24', '10.5.0.128/26'].map(prefix);
    const leases = [nodeLease('10.5.0.192/26', 2)];
    assert.deepEqual(chosen({ network: SMALL, remembered, leases }), ['10.5.0.128/26', '10.5.0.64/26']);
  });

  it('looks at the first thousand free, in random order', () => {
    const network = networkOf({ Network: '10.0.0.0/8' });
    assert.equal(sorted({ network }).length, 1_000);
    assert.ok(sorted({ network }).includes('10.3.232.0/24') && !sorted({ network }).includes('10.3.233.0/24'));
    const expected = Array.from({ length: 255 }, (_, i) => `10.5.${i + 1}.0/24`).sort();
    assert.deepEqual(sorted({}), expected);
    const other = chosen({ random: () => 0.99 });
    assert.notDeepEqual(other, chosen({}));
    assert.deepEqual([...other].sort(), expected);
  });

  it('knows what leases of other lengths occupy', () => {
    const leases = [
      nodeLease('10.5.2.0/23', 2),
      nodeLease('10.5.5.128/25', 3),
      nodeLease('10.5.0.0/24', 4),
      nodeLease('10.6.1.0/24', 5),
    ];
    const network = networkOf({ SubnetMax: '10.5.6.0' });
    const refused = [prefix('10.5.2.0/24')];
    assert.deepEqual(sorted({ network, leases, refused }), ['10.5.1.0/24', '10.5.4.0/24', '10.5.6.0/24']);
  });

  it('leaves keys alone that hold what nobody believes, and those alone', () => {
    const network = networkOf({ SubnetMax: '10.5.4.0' });
    const refused = ['10.5.1.0/24', '10.5.0.0/17', '10.5.3.0/25'].map(prefix);
    assert.deepEqual(sorted({ network, refused }), ['10.5.2.0/24', '10.5.3.0/24', '10.5.4.0/24']);
    const remembered = [prefix('10.5.1.0/24')];
    assert.ok(!chosen({ network, refused, remembered }).includes('10.5.1.0/24'));
  });

  it('says when nothing is left', () => {
    const leases = ['10.5.0.64/26', '10.5.0.128/26', '10.5.0.192/26'].map((subnet, i) => nodeLease(subnet, i + 2));
    assert.equal(chosen({ network: SMALL, leases }), 'exhausted 3');
    assert.equal(chosen({ network: SMALL, leases: [nodeLease('10.5.0.0/24', 2)] }), 'exhausted 3');
    assert.deepEqual(chosen({ network: SMALL, leases: leases.slice(1) }), ['10.5.0.64/26']);
  });

  it('is quick in the largest network beside the widest lease', () => {
    const network = networkOf({ Network: '16.0.0.0/4', SubnetLen: 30 });
    const begun = performance.now();
    assert.equal([...chosen({ network, leases: [nodeLease('16.0.0.0/6', 2)] })].length, 1_000);
    assert.ok(performance.now() - begun < 500);
  });

  it('knows what a config would hand out', () => {
    const network = networkOf({ SubnetMin: '10.5.10.0', SubnetMax: '10.5.20.0' });
    for (const text of ['10.5.10.0/24', '10.5.20.0/24']) assert.ok(fits(network, prefix(text)), text);
    for (const text of ['10.5.9.0/24', '10.5.21.0/24', '10.5.10.0/25', 'fc00::/24'])
      assert.ok(!fits(network, prefix(text)), text);
  });
});
