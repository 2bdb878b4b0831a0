import assert from 'node:assert/strict';
import { joinEnvironment, variableOf } from '../../../src/model/environment.ts';

const joined = (env: Record<string, string | undefined>): Record<string, string | undefined> => {
  const all = { ...env };
  joinEnvironment(all);
  return all;
};

describe('model/environment', () => {
  it('ours come first, then flanneld’s, then etcdctl’s; an empty one of theirs counts as none', () => {
    const [TSFLANNEL_ETCD_ENDPOINTS, FLANNELD_ETCD_ENDPOINTS, ETCDCTL_ENDPOINTS] = ['ours', 'flanneld', 'etcdctl'];
    const of = (env: Record<string, string>) => {
      const all = joined(env);
      return [all.TSFLANNEL_ETCD_ENDPOINTS, variableOf('TSFLANNEL_ETCD_ENDPOINTS', all)];
    };
    assert.deepEqual(of({ TSFLANNEL_ETCD_ENDPOINTS, FLANNELD_ETCD_ENDPOINTS, ETCDCTL_ENDPOINTS }), [
      ...['ours', 'TSFLANNEL_ETCD_ENDPOINTS'],
    ]);
    assert.deepEqual(of({ FLANNELD_ETCD_ENDPOINTS, ETCDCTL_ENDPOINTS }), ['flanneld', 'FLANNELD_ETCD_ENDPOINTS']);
    assert.deepEqual(of({ FLANNELD_ETCD_ENDPOINTS: '', ETCDCTL_ENDPOINTS }), ['etcdctl', 'ETCDCTL_ENDPOINTS']);
    assert.equal(of({})[0], undefined);
  });

  it('etcdctl’s user may bring the password', () => {
    const both = joined({ ETCDCTL_USER: 'flannel:a:b' });
    assert.deepEqual([both.TSFLANNEL_ETCD_USERNAME, both.TSFLANNEL_ETCD_PASSWORD], ['flannel', 'a:b']);
    const apart = joined({ ETCDCTL_USER: 'flannel', ETCDCTL_PASSWORD: 'c' });
    assert.deepEqual([apart.TSFLANNEL_ETCD_USERNAME, apart.TSFLANNEL_ETCD_PASSWORD], ['flannel', 'c']);
  });

  it('etcdctl’s user and password come together, and beside nobody else’s', () => {
    for (const other of [{}, { TSFLANNEL_ETCD_USERNAME: 'ours' }, { FLANNELD_ETCD_PASSWORD: 'theirs' }]) {
      const env = joined({ ...other, ETCDCTL_PASSWORD: 'secret' });
      assert.ok(!Object.entries(env).some(([name, value]) => name.startsWith('TSFLANNEL_') && value === 'secret'));
    }
    assert.equal(joined({ ETCDCTL_USER: 'root', TSFLANNEL_ETCD_PASSWORD: 'x' }).TSFLANNEL_ETCD_USERNAME, undefined);
  });

  it('flanneld’s booleans are Go’s', () => {
    assert.equal(joined({ FLANNELD_IP_MASQ: 'T' }).TSFLANNEL_IP_MASQ, 'true');
  });
});
