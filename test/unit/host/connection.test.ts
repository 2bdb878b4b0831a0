import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import { writeClientConfig } from '../../../src/files/client-config.ts';
import { resolveConnection } from '../../../src/host/connection.ts';
import type { EtcdFlags } from '../../../src/output/flags.ts';

describe('where etcd is', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-connection-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const resolve = (flags: Partial<Record<keyof EtcdFlags, string>> = {}) =>
    resolveConnection({ 'config-dir': dir, ...flags } as EtcdFlags);
  const written = () =>
    writeClientConfig(dir, {
      endpoints: ['https://10.0.0.1:2379'],
      prefix: '/my/net',
      caFile: '/ca',
      certFile: '/cert',
      keyFile: '/key',
    });

  it('is here, where nobody says otherwise', async () => {
    const { kv, prefix } = await resolve();
    assert.deepEqual(kv.endpoints, ['http://127.0.0.1:2379']);
    assert.equal(prefix, '/coreos.com/network');
    assert.deepEqual(Object.keys(kv).sort(), ['endpoints', 'timeoutMs']);
  });

  it('is what client.json says', async () => {
    await written();
    const { kv, prefix } = await resolve();
    assert.deepEqual(
      { ...kv, timeoutMs: 0 },
      { endpoints: ['https://10.0.0.1:2379'], caFile: '/ca', certFile: '/cert', keyFile: '/key', timeoutMs: 0 },
    );
    assert.equal(prefix, '/my/net');
  });

  it('is what a flag says, before client.json, part by part', async () => {
    await written();
    const { kv, prefix } = await resolve({
      'etcd-endpoints': 'https://a:1,b',
      'etcd-prefix': '/x/',
      'etcd-cafile': '/other',
      'etcd-username': 'root',
      'etcd-password': 'p',
    });
    assert.deepEqual(kv.endpoints, ['https://a:1', 'http://b:2379']);
    assert.deepEqual(
      [kv.caFile, kv.certFile, kv.username, kv.password, prefix],
      ['/other', '/cert', 'root', 'p', '/x'],
    );
  });

  it('is the default where a flag is empty, as flanneld’s units have it', async () => {
    assert.deepEqual(await resolve({ 'etcd-endpoints': '', 'etcd-cafile': '', 'etcd-prefix': '' }), await resolve({}));
  });

  it('is not what makes no sense', async () => {
    for (const flags of [
      { 'etcd-endpoints': ',' },
      { 'etcd-endpoints': 'http://x y' },
      { 'etcd-prefix': 'x' },
      { 'etcd-prefix': '/a b' },
    ])
      await assert.rejects(
        resolve(flags),
        (error) => error instanceof TsflannelError && error.code === 'USAGE',
        JSON.stringify(flags),
      );
  });
});
