import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { useLab } from '../support/lab.ts';
import { statusOf } from '../support/lab-daemon.ts';

const CANARY = 's3cr3t-canary-in-a-bundle';

describe('tsflannel bundle', () => {
  const test = useLab({ name: 'lab-bundle', size: 1 });

  it('writes one archive of everything, for its owner only, without secrets', async () => {
    const { dir } = test.node(1);
    const file = join(dir, 'bundle.tar.gz');
    const password = `TSFLANNEL_ETCD_PASSWORD=${CANARY}`;
    await test.run(1, 'env', password, 'tsflannel', 'bundle', '--file', file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await execa('tar', ['--extract', '--gzip', '--file', file, '--directory', dir]);
    const { stdout } = await execa('grep', ['-r', CANARY, join(dir, 'tsflannel-bundle')], { reject: false });
    assert.equal(stdout, '');
    const folder = join(dir, 'tsflannel-bundle');
    for (const topic of ['tsflannel', 'host', 'network', 'filter'])
      assert.ok(readdirSync(join(folder, topic)).length > 0);
    const status = JSON.parse(readFileSync(join(folder, 'tsflannel/status.json'), 'utf8'));
    assert.equal(status.node.subnet, (await statusOf(test, 1)).node?.subnet);
    for (const name of ['tsflannel/routes', 'tsflannel/doctor', 'network/links', 'network/routes', 'index'])
      JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
    assert.match(readFileSync(join(folder, 'tsflannel/daemon.log'), 'utf8'), /ready/);
  }).timeout(240_000);
});
