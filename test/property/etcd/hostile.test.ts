import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type ClusterMember, parseCluster, printCluster } from '../../../src/etcd/cluster.ts';
import { parseMembers, parseSize } from '../../../src/etcd/discovery.ts';
import { etcdCommand, type Member } from '../../../src/etcd/member.ts';
import { parseMember, printMember } from '../../../src/etcd/member-file.ts';
import { parseState } from '../../../src/etcd/state.ts';
import { HOSTILE_REPLIES } from '../../corpus/hostile.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const ip = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255))).map((octets) => octets.join('.'));
const port = fc.integer({ min: 1, max: 65_535 });
const listed = fc
  .uniqueArray(fc.tuple(name, ip, port), { minLength: 1, maxLength: 7, selector: ([first]) => first })
  .map((members) => members.map(([who, where, at]) => `${who}=http://${where}:${at}`).join(','));

const accepted = (text: string): readonly ClusterMember[] => {
  const parsed = parseCluster(text, 'test');
  assert.ok(parsed.ok);
  return parsed.value;
};

describe('etcd: what comes from outside', () => {
  it('is the same cluster after it was printed and read again', () => {
    fc.assert(
      fc.property(listed, (text) => {
        const printed = printCluster(accepted(text));
        assert.equal(printCluster(accepted(printed)), printed);
        assert.equal(printed.split(',').length, text.split(',').length);
      }),
    );
  });

  it('never makes a parser throw', () => {
    const bodies = fc.oneof(
      fc.constantFrom(...HOSTILE_REPLIES),
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"node":{"nodes":[${json}],"value":${json}}}`),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        for (const parse of [parseMembers, parseSize, parseMember, parseState]) parse(body);
        parseCluster(body, 'test');
      }),
    );
  });

  it('adds no argument and no line to the command of etcd', () => {
    const memberOf = (cluster: ReturnType<typeof accepted>): Member => ({
      ...{ name: 'a', dataDir: '/d', clientPort: 2379, peerPort: 2380, ip: { family: 4, value: 1n } },
      bootstrap: { kind: 'static', cluster },
    });
    const usual = etcdCommand(memberOf(accepted('a=http://10.0.0.1:2380')), 'x64').args.length;
    fc.assert(
      fc.property(fc.oneof(fc.string(), listed), (text) => {
        const parsed = parseCluster(text, 'test');
        if (!parsed.ok) return;
        const member = memberOf(parsed.value);
        const { args } = etcdCommand(member, 'x64');
        assert.equal(args.length, usual);
        assert.doesNotMatch(args.join(' '), /[^!-~ ]/);
        assert.deepEqual(parseMember(printMember(member)).ok, true);
      }),
    );
  });
});
