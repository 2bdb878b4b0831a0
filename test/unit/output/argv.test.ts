import assert from 'node:assert/strict';
import { normalizeArgv } from '../../../src/output/argv.ts';

const up = (...args: string[]): string[] => normalizeArgv(['up', ...args]).slice(1);

describe('flanneld’s way of writing flags', () => {
  it('takes one dash for two, with a value behind or joined', () => {
    assert.deepEqual(up('-etcd-endpoints=http://a:1', '-iface', 'eth0', '-public-ip=10.0.0.1', '-version'), [
      '--etcd-endpoints=http://a:1',
      '--iface',
      'eth0',
      '--public-ip=10.0.0.1',
      '--version',
    ]);
  });

  it('lets a boolean be true or false', () => {
    for (const yes of ['true', '1', 't', 'T', 'TRUE', 'True'])
      assert.deepEqual(up(`-ip-masq=${yes}`), ['--ip-masq'], yes);
    for (const no of ['false', '0', 'f', 'FALSE']) assert.deepEqual(up(`--ip-masq=${no}`), ['--no-ip-masq'], no);
    assert.deepEqual(up('-ip-masq'), ['--ip-masq']);
    assert.deepEqual(up('--detach=true'), ['--detach=true']);
  });

  it('leaves values alone, whatever they begin with', () => {
    assert.deepEqual(up('-etcd-password', '-my-secret'), ['--etcd-password', '-my-secret']);
    assert.deepEqual(up('--iface-regex', '-ip-masq=true'), ['--iface-regex', '-ip-masq=true']);
  });

  it('leaves ours alone, short flags, and what stands behind --', () => {
    assert.deepEqual(up('--detach', '-h', '--', '-ip-masq=true'), ['--detach', '-h', '--', '-ip-masq=true']);
  });

  it('is for up alone', () => {
    const argv = ['docker', 'opts', '-f', 'x', '-ip-masq=true'];
    assert.deepEqual(normalizeArgv(argv), argv);
    assert.deepEqual(normalizeArgv([]), []);
  });
});
