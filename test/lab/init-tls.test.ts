import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pair } from '../../src/etcd/pki.ts';
import { newCa } from '../../src/etcd/pki-make.ts';
import { startDiscovery, type TestHost, useHosts } from '../support/hosts.ts';
import { json, members, purge, succeeds } from '../support/members.ts';

describe('tsflannel init: several members at once, over TLS', function () {
  this.timeout(240_000);
  const { host, hub } = useHosts('join-ca', 2);
  let ca: Pair;
  before(async () => {
    ca = await newCa();
  });

  /** The CA that somebody has put on the host. */
  function given(one: TestHost): readonly string[] {
    const [cert, key] = [`${one.dir}-ca.crt`, `${one.dir}-ca.key`];
    writeFileSync(cert, ca.cert, { mode: 0o600 });
    writeFileSync(key, ca.key, { mode: 0o600 });
    return ['--ca-cert', cert, '--ca-key', key];
  }

  async function form(argv: readonly string[]): Promise<void> {
    const both = [host(1), host(2)];
    const runs = await Promise.all(
      both.map((one, index) =>
        one.tsflannel('init', '--yes', '--name', `m${index + 1}`, ...given(one), ...argv, '--json'),
      ),
    );
    for (const ran of runs)
      assert.deepEqual(
        members(succeeds(ran)).map(({ name, status }) => `${name} ${status}`),
        ['m1 healthy', 'm2 healthy'],
      );
    assert.match(
      JSON.stringify(json(await host(2).tsflannel('etcd', 'status', '--json'))),
      /https:\/\/10\.78\.0\.1:2380/,
    );
    await purge(...both);
  }

  it('with a CA that all of them share: a list of members', () =>
    form(['--initial-cluster', 'm1=https://10.78.0.1:2380,m2=https://10.78.0.2:2380']));

  it('with a CA that all of them share: a discovery URL', async () => {
    const discovery = await startDiscovery(hub());
    await form(['--discovery', await discovery.newUrl(2)]);
  });

  it('not without one: discovery distributes no CA', async () => {
    const ran = await host(1).tsflannel('init', '--yes', '--discovery', 'http://10.78.0.254/abcdef', '--json');
    assert.equal((json(ran).error as { code: string }).code, 'CA_NEEDED');
    assert.match(ran.stdout, /--ca-cert[\s\S]*token[\s\S]*--insecure/);
  });

  it("not with a key that is another CA's", async () => {
    const key = join(`${host(1).dir}-other.key`);
    writeFileSync(key, (await newCa()).key, { mode: 0o600 });
    const argv = ['--ca-cert', `${host(1).dir}-ca.crt`, '--ca-key', key];
    const ran = await host(1).tsflannel('init', '--yes', ...argv, '--json');
    assert.match(ran.stdout, /PKI_INVALID[\s\S]*not the key of/);
  });
});
