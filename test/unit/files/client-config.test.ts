import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import { parseClientConfig, readClientConfig, writeClientConfig } from '../../../src/files/client-config.ts';

const FULL = { endpoints: ['https://10.0.0.1:2379', 'https://etcd.lan:2379'], prefix: '/a/b', caFile: '/x/ca.pem' };

describe('files/client-config', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boot-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is undefined where no file is', async () => {
    assert.equal(await readClientConfig(join(folder, 'none')), undefined);
  });

  it('reads back what it wrote, for root only, and leaves no other file', async () => {
    const dir = join(folder, 'etc', 'tsflannel');
    await writeClientConfig(dir, FULL);
    assert.deepEqual(await readClientConfig(dir), FULL);
    assert.equal((await stat(join(dir, 'client.json'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dir), ['client.json']);
  });

  it('fills in the prefix and the ports', () => {
    const parsed = parseClientConfig('{"endpoints":["10.0.0.1"]}');
    assert.deepEqual(parsed, {
      ok: true,
      value: { endpoints: ['http://10.0.0.1:2379'], prefix: '/coreos.com/network' },
    });
  });

  for (const bad of [
    '',
    '[]',
    '{}',
    '{"endpoints":[]}',
    '{"endpoints":"http://a:1"}',
    '{"endpoints":["http://u:p@a:1"]}',
    '{"endpoints":["http://a:1/path"]}',
    '{"endpoints":["http://010.0.0.1:1"]}',
    '{"endpoints":["http://a:99999"]}',
    '{"endpoints":["http://a:1"],"prefix":"x"}',
    '{"endpoints":["http://a:1"],"prefix":"/x/../y z"}',
    '{"endpoints":["http://a:1"],"caFile":"ca.pem"}',
    '{"endpoints":["http://a:1"],"keyFile":7}',
    '{"__proto__":{"endpoints":["http://a:1"]}}',
  ]) {
    it(`refuses ${bad || 'an empty file'}`, async () => {
      assert.equal(parseClientConfig(bad).ok, false);
      await writeFile(join(folder, 'client.json'), bad);
      await assert.rejects(
        readClientConfig(folder),
        (error) => error instanceof TsflannelError && error.code === 'CLIENT_CONFIG_INVALID',
      );
    });
  }
});
