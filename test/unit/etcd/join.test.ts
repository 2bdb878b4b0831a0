import assert from 'node:assert/strict';
import { memberId, parseCluster, printCluster } from '../../../src/etcd/cluster.ts';
import { type Standing, standing } from '../../../src/etcd/join.ts';
import { v2Registrar } from '../../../src/etcd/registrar.ts';

const URL = 'http://127.0.0.1:8087/c81842c27184645dc93b7506c8437a41';

const member = (name: string, url: string) => {
  const parsed = parseCluster(`${name}=${url}`, 'test');
  assert.ok(parsed.ok && parsed.value[0]);
  return parsed.value[0];
};
const registered = (name: string, url: string) => {
  const one = member(name, url);
  return { ...one, id: memberId(one.peerUrls, URL) };
};
const a = registered('a', 'http://10.0.0.1:2380');
const b = registered('b', 'http://10.0.0.2:2380');
const code = (state: Standing) => (state.kind === 'refused' ? state.error.code : state.kind);

describe('etcd/cluster', () => {
  it('makes the id that etcd makes', () => {
    // Seen in a registry to which a real etcd 3.4.23 had come.
    assert.equal(memberId(member('a', 'http://127.0.0.1:2480').peerUrls, URL), 'c35a08e18ff090be');
    assert.equal(memberId(member('b', 'http://127.0.0.1:2580').peerUrls, URL), 'b5ab4b2f0cb76f2d');
  });

  it('prints the members of a cluster in one order', () => {
    assert.equal(printCluster([b, a]), 'a=http://10.0.0.1:2380,b=http://10.0.0.2:2380');
    assert.equal(printCluster([a, b]), printCluster([b, a]));
  });
});

describe('etcd/join: standing', () => {
  it('is open while there is room', () => {
    assert.equal(code(standing(v2Registrar(URL), { size: 2, members: [] }, a)), 'open');
    assert.equal(code(standing(v2Registrar(URL), { size: 2, members: [b] }, a)), 'open');
  });

  it('is registered for the same member when it comes back, complete or not', () => {
    assert.deepEqual(standing(v2Registrar(URL), { size: 2, members: [a] }, a), { kind: 'registered', complete: false });
    assert.deepEqual(standing(v2Registrar(URL), { size: 2, members: [b, a] }, a), {
      kind: 'registered',
      complete: true,
    });
  });

  it('is refused when the URL is used up, also for one that came too late', () => {
    assert.equal(code(standing(v2Registrar(URL), { size: 1, members: [b] }, a)), 'DISCOVERY_FULL');
    assert.equal(code(standing(v2Registrar(URL), { size: 1, members: [b, a] }, a)), 'DISCOVERY_FULL');
  });

  it('is refused when the name or the address is taken', () => {
    assert.equal(
      code(standing(v2Registrar(URL), { size: 3, members: [a] }, member('a', 'http://10.0.0.9:2380'))),
      'DISCOVERY_NAME_TAKEN',
    );
    assert.equal(
      code(standing(v2Registrar(URL), { size: 3, members: [a] }, member('z', 'http://10.0.0.1:2380'))),
      'DISCOVERY_NAME_TAKEN',
    );
  });
});
