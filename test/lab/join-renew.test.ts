import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { age, readPki } from '../support/certs.ts';
import { type TestHost, useHosts } from '../support/hosts.ts';
import { healthy, json, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

const DAY_MS = 86_400_000;
const serialOf = (host: TestHost, kind: string) => new X509Certificate(readPki(host, `${kind}.crt`)).serialNumber;

/** What the server on this port shows to a new connection. */
async function shown(host: TestHost, port: number): Promise<string> {
  const argv = ['openssl', 's_client', '-connect', `${host.ip}:${port}`];
  const options = { reject: false, input: '', timeout: 5000 } as const;
  const { stdout } = await execa('nsenter', [`--net=/run/netns/${host.namespace}`, '--', ...argv], options);
  const pem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(stdout)?.[0];
  return pem === undefined ? '' : new X509Certificate(pem).serialNumber;
}

describe('certificates are renewed before they expire', function () {
  this.timeout(300_000);
  const { host } = useHosts('join-renew', 3);

  it('on the host with the CA key: etcd and the join service show the new ones without a restart', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'n1'));
    const pid = pidOf(host(1), 'etcd');
    await age({ ca: host(1), host: host(1), name: 'n1' }, 'server', 250);
    const old = serialOf(host(1), 'server');
    // etcd reads the file at each new connection.
    assert.equal(await shown(host(1), 2379), old);
    process.kill(pidOf(host(1), 'supervisor'), 'SIGHUP');
    await until('it is renewed', () => serialOf(host(1), 'server') !== old);
    const fresh = serialOf(host(1), 'server');
    await until('etcd shows it', async () => (await shown(host(1), 2379)) === fresh);
    await until('the join service shows it', async () => (await shown(host(1), 2381)) === fresh);
    assert.equal(pidOf(host(1), 'etcd'), pid);
    await until('etcd is healthy', () => healthy(host(1)));
  });

  it('on a joined member, by the join service', async () => {
    const { token } = json(succeeds(await host(1).tsflannel('token', 'create', '--json')));
    succeeds(await host(2).tsflannel('join', String(token), '--name', 'n2'));
    const kinds = ['server', 'peer', 'client'] as const;
    for (const kind of kinds) await age({ ca: host(1), host: host(2), name: 'n2' }, kind, 250);
    const old = kinds.map((kind) => serialOf(host(2), kind));
    process.kill(pidOf(host(2), 'supervisor'), 'SIGHUP');
    await until('all are renewed', () => kinds.every((kind, i) => serialOf(host(2), kind) !== old[i]));
    const cert = new X509Certificate(readPki(host(2), 'server.crt'));
    assert.ok(Date.parse(cert.validTo) > Date.now() + 300 * DAY_MS);
    assert.ok(cert.checkIP('10.78.0.2') && cert.checkHost('n2'));
    await until('both are healthy', () => healthy(host(2)));
  });

  it('on a host that is a client only, by a later join', async () => {
    const { token } = json(succeeds(await host(1).tsflannel('token', 'create', '--for', 'client', '--json')));
    succeeds(await host(3).tsflannel('join', String(token)));
    assert.equal(json(succeeds(await host(3).tsflannel('join', '--json'))).changed, false);
    await age({ ca: host(1), host: host(3), name: 'n3' }, 'client', 250);
    const old = serialOf(host(3), 'client');
    assert.equal(json(succeeds(await host(3).tsflannel('join', '--json'))).changed, true);
    assert.notEqual(serialOf(host(3), 'client'), old);
    await until('etcd answers it', () => healthy(host(3)));
  });

  it('on such a host by its daemon, while it runs', async () => {
    succeeds(await host(1).tsflannel('config', 'set', '--network', '10.5.0.0/16'));
    const env = {
      TSFLANNEL_STATE_DIR: join(host(3).dir, 'state'),
      TSFLANNEL_SUBNET_FILE: join(host(3).dir, 'subnet.env'),
    };
    succeeds(await host(3).tsflannelWith(env, 'up', '--detach'));
    await age({ ca: host(1), host: host(3), name: 'n3' }, 'client', 250);
    const old = serialOf(host(3), 'client');
    process.kill(Number(readFileSync(join(host(3).dir, 'run', 'daemon.pid'), 'utf8')), 'SIGHUP');
    await until('it is renewed', () => serialOf(host(3), 'client') !== old);
    const log = () => readFileSync(join(host(3).dir, 'run', 'daemon.log'), 'utf8');
    await until('it says so', () => /certificate of this host is renewed/.test(log()));
    succeeds(await host(3).tsflannelWith(env, 'down'));
  });

  it('not for who shows a certificate that has expired', async () => {
    for (const kind of ['server', 'peer', 'client'] as const)
      await age({ ca: host(1), host: host(2), name: 'n2' }, kind, 400);
    process.kill(pidOf(host(2), 'supervisor'), 'SIGHUP');
    const log = () => readFileSync(join(host(2).dir, 'etcd.log'), 'utf8');
    await until('it is refused', () => /certificates: .*the certificate of this host ended at/.test(log()));
    const ran = await host(2).tsflannel('etcd', 'status', '--json');
    assert.match(ran.stdout, /CERT_EXPIRED[\s\S]*ended at/);
  });

  it('is gone with all its files', () => purge(host(2), host(1)));
});
