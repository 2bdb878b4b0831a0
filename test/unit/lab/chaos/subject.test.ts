import assert from 'node:assert/strict';
import { namedMacs } from '../../../../src/lab/chaos/runner.ts';
import { mixedSubject, ownSubject, type Subject } from '../../../../src/lab/chaos/subject.ts';
import { planLab } from '../../../../src/lab/lab.ts';

const lab = planLab(
  {
    ...{ name: 'lab', size: 4, backend: 'vxlan', network: '10.97.0.0/16' },
    ...{ etcdMembers: 3, discovery: false, docker: false, bare: true },
  },
  '/run/labs',
);

/** Says of a node who was asked. */
const sayer = (name: string): Subject => ({ ...ownSubject(lab), name, subnet: async () => name });

describe('chaos: two daemons in one cluster', () => {
  it('has the one on the first and third node, the other on the others', async () => {
    const mixed = mixedSubject(lab, sayer('one'), sayer('other'));
    assert.deepEqual(await Promise.all(lab.nodes.map((node) => mixed.subnet(node))), ['one', 'other', 'one', 'other']);
    assert.equal(mixed.own, false);
  });
});

const link = (ifname: string, address: string) => JSON.stringify({ ifname, address });

describe('chaos: the kernel of a daemon that draws its MAC anew', () => {
  const shown = (mac: string, known: string) => [
    { links: [link('flannel.1', mac), link('eth0', '02:00:00:00:00:01')], fdb: [] },
    { links: [], fdb: [`${known} dev flannel.1 dst 198.18.0.1 self permanent`] },
  ];

  it('is the same with another MAC which its peer knows', () => {
    const [before, after] = [
      shown('aa:00:00:00:00:01', 'aa:00:00:00:00:01'),
      shown('aa:11:11:11:11:11', 'aa:11:11:11:11:11'),
    ];
    assert.deepEqual(namedMacs(after, lab.nodes), namedMacs(before, lab.nodes));
  });

  it('differs with one that its peer does not know', () => {
    const [before, after] = [
      shown('aa:00:00:00:00:01', 'aa:00:00:00:00:01'),
      shown('aa:11:11:11:11:11', 'aa:00:00:00:00:01'),
    ];
    assert.notDeepEqual(namedMacs(after, lab.nodes), namedMacs(before, lab.nodes));
  });

  it('keeps the MACs of other devices', () => {
    const [one] = namedMacs(shown('aa:00:00:00:00:01', ''), lab.nodes);
    assert.ok(one?.links?.[1]?.includes('02:00:00:00:00:01'));
  });
});
