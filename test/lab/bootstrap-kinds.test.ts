import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newCa } from '../../src/etcd/pki-make.ts';
import { etcdOf } from '../support/etcd-versions.ts';
import { fetchOn, type Ran, startDns, useHosts } from '../support/hosts.ts';
import { clusterId, json, members, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

/** The kinds of bootstrap that start all members at once; a member's flags come from its number and the size. */
type Argv = (number: number, size: number) => readonly string[];

const DOMAIN = 'lab.test';
const nameOf = (number: number) => `m${number}`;
const ipOf = (number: number) => `10.78.0.${number}`;
const numbers = (size: number) => Array.from({ length: size }, (_, index) => index + 1);
const listOf = (scheme: string) => (size: number) =>
  numbers(size)
    .map((number) => `${nameOf(number)}=${scheme}://${ipOf(number)}:2380`)
    .join(',');
const targets = (size: number) =>
  numbers(size).map((number) => ({ target: `${nameOf(number)}.${DOMAIN}`, port: 2380 }));

describe('tsflannel init: clusters of 3 and 5 by every kind of bootstrap, on etcd 3.4 and 3.6', function () {
  this.timeout(240_000);
  const { host, hub } = useHosts('boot-kind', 5);
  const ca = () => [join(hub().dir, 'ca.crt'), join(hub().dir, 'ca.key')] as const;
  const tls = () => ['--ca-cert', ca()[0], '--ca-key', ca()[1]];
  const registry = () => `http://${hub().ip}:2379`;

  before(async () => {
    const hosts = numbers(5).map(host);
    await startDns(hub(), hosts, {
      a: Object.fromEntries(numbers(5).map((number) => [`${nameOf(number)}.${DOMAIN}`, ipOf(number)])),
      srv: {
        [`_etcd-server._tcp.${DOMAIN}`]: targets(3),
        [`_etcd-server-ssl-five._tcp.${DOMAIN}`]: targets(5),
      },
    });
    const made = await newCa();
    writeFileSync(ca()[0], made.cert);
    writeFileSync(ca()[1], made.key);
    const at = (port: number) => `http://${hub().ip}:${port}`;
    hub().start(
      ...[etcdOf('3.6'), '--data-dir', join(hub().dir, 'registry'), '--unsafe-no-fsync'],
      ...['--listen-client-urls', at(2379), '--advertise-client-urls', at(2379)],
    );
    mkdirSync(join(hub().dir, 'v2'), { recursive: true });
    hub().start(
      ...[process.execPath, join(import.meta.dirname, '../../bin/run.js'), 'discovery', 'serve'],
      ...['--listen', hub().ip, '--data-dir', join(hub().dir, 'v2')],
    );
    await fetchOn(hub(), `${registry()}/health`);
    await fetchOn(hub(), `${at(8087)}/health`);
  });
  afterEach(() => Promise.all(numbers(5).map((number) => host(number).tsflannel('etcd', 'stop', '--purge', '--yes'))));

  const init = (number: number, series: '3.4' | '3.6', ...argv: readonly string[]): Promise<Ran> =>
    host(number).tsflannelWith(
      { TSFLANNEL_ETCD_BINARY: etcdOf(series) },
      ...['init', '--yes', '--json', ...(argv.includes('--name') ? [] : ['--name', nameOf(number)]), ...argv],
    );

  /** Each member sees all, healthy, with one leader, and all mean one cluster of this etcd. */
  async function agree(runs: readonly Ran[], size: number, series: string): Promise<void> {
    for (const ran of runs) {
      const rows = members(succeeds(ran)) as unknown as { name: string; status: string; version: string }[];
      assert.deepEqual(rows.map(({ name }) => name).sort(), numbers(size).map(nameOf));
      for (const row of rows) assert.deepEqual([row.status, row.version.slice(0, 3)], ['healthy', series]);
    }
    assert.equal(new Set(await Promise.all(runs.map((_, index) => clusterId(host(index + 1))))).size, 1);
  }

  async function forms(size: number, series: '3.4' | '3.6', argv: Argv): Promise<void> {
    const runs = await Promise.all(numbers(size).map((number) => init(number, series, ...argv(number, size))));
    await agree(runs, size, series);
  }

  const newToken = async (size: number) =>
    json(
      succeeds(
        await host(1).tsflannel(
          ...['discovery', 'new', '--discovery-endpoints', registry(), '--size', String(size), '--json'],
        ),
      ),
    ).token as string;
  const newUrl = async (size: number) =>
    json(
      succeeds(
        await host(1).tsflannel(
          ...['discovery', 'new', '--service', `http://${hub().ip}:8087`, '--size', String(size), '--json'],
        ),
      ),
    ).url as string;

  it('a static list: 3 by plain http on 3.6, 5 by TLS on 3.4', async () => {
    await forms(3, '3.6', (_, size) => ['--insecure', '--initial-cluster', listOf('http')(size)]);
    await Promise.all(numbers(3).map((n) => host(n).tsflannel('etcd', 'stop', '--purge', '--yes')));
    await forms(5, '3.4', (_, size) => [...tls(), '--initial-cluster', listOf('https')(size)]);
  });

  it('v2 discovery: 3 by TLS on 3.4, 5 by plain http on 3.6', async () => {
    const three = await newUrl(3);
    await forms(3, '3.4', () => [...tls(), '--discovery', three]);
    await Promise.all(numbers(3).map((n) => host(n).tsflannel('etcd', 'stop', '--purge', '--yes')));
    const five = await newUrl(5);
    await forms(5, '3.6', () => ['--insecure', '--discovery', five]);
  });

  it('v3 discovery: 3 by TLS on 3.4, which itself knows none', async () => {
    const token = await newToken(3);
    await forms(3, '3.4', () => [...tls(), '--discovery-token', token, '--discovery-endpoints', registry()]);
  });

  it('v3 discovery: 5 on 3.6, one of them etcd by hand; another is refused', async () => {
    const token = await newToken(5);
    const place = ['--discovery-token', token, '--discovery-endpoints', registry()];
    const fifth = host(5);
    const at = (port: number) => `http://${fifth.ip}:${port}`;
    const byHand = fifth.start(
      ...[etcdOf('3.6'), '--name', 'm5', '--data-dir', join(fifth.dir, 'by-hand'), '--unsafe-no-fsync', ...place],
      ...['--listen-peer-urls', at(2380), '--initial-advertise-peer-urls', at(2380)],
      ...['--listen-client-urls', at(2379), '--advertise-client-urls', at(2379)],
    );
    const four = numbers(4).map((number) => init(number, '3.6', '--insecure', ...place));
    await agree(await Promise.all(four), 5, '3.6');
    await byHand.kill();
    rmSync(join(fifth.dir, 'by-hand'), { recursive: true });
    const late = await init(5, '3.6', '--insecure', '--peer-port', '2480', '--name', 'm6', ...place);
    assert.match(late.stdout, /DISCOVERY_FULL[\s\S]*discovery token at/);
  });

  it('DNS SRV: 3 by plain http on 3.6, one of them etcd by hand', async () => {
    const third = host(3);
    const peer = `http://m3.${DOMAIN}:2380`;
    const byHand = third.start(
      ...[etcdOf('3.6'), '--name', 'm3', '--data-dir', join(third.dir, 'by-hand'), '--unsafe-no-fsync'],
      ...['--discovery-srv', DOMAIN, '--initial-advertise-peer-urls', peer],
      ...['--listen-peer-urls', `http://${third.ip}:2380`],
      ...['--listen-client-urls', `http://${third.ip}:2379`, '--advertise-client-urls', `http://${third.ip}:2379`],
    );
    const two = [1, 2].map((number) => init(number, '3.6', '--insecure', '--discovery-srv', DOMAIN));
    await agree(await Promise.all(two), 3, '3.6');
    await byHand.kill();
    rmSync(join(third.dir, 'by-hand'), { recursive: true });
  });

  it('DNS SRV: 5 by TLS on 3.4, whose certificates have the names', async () => {
    await forms(5, '3.4', () => [...tls(), '--discovery-srv', DOMAIN, '--discovery-srv-name', 'five']);
    const marker = JSON.parse(readFileSync(join(host(2).dir, 'etcd.member.json'), 'utf8')) as { host: string };
    assert.equal(marker.host, `m2.${DOMAIN}`);
    const again = await host(2).tsflannel('init', '--discovery-srv', DOMAIN, '--discovery-srv-name', 'five', '--json');
    assert.equal(json(succeeds(again)).changed, false);
  });

  it('join: 5 one by one and at once on 3.6', async () => {
    const lines = json(succeeds(await init(1, '3.6', '--size', '5'))).join as string[];
    const join_ = (number: number): Promise<Ran> =>
      host(number).tsflannelWith(
        { TSFLANNEL_ETCD_BINARY: etcdOf('3.6') },
        ...['join', lines[number - 2] ?? '', '--name', nameOf(number), '--json'],
      );
    for (const ran of await Promise.all([2, 3, 4, 5].map(join_))) succeeds(ran);
    await until('all vote', async () => {
      const ran = await host(1).tsflannel('etcd', 'status', '--json');
      return ran.exit === 0 && members(ran).length === 5;
    });
  });

  it('says what a service cannot do', async () => {
    const url = `${registry()}/v2/keys/_etcd/registry/abcdef`;
    const v2 = await init(1, '3.6', '--insecure', '--discovery', url);
    assert.match(v2.stdout, /DISCOVERY_VERSION[\s\S]*etcd 3\.6[\s\S]*discovery new --discovery-endpoints/);
    const unknown = ['--discovery-token', 'nobody-made-it', '--discovery-endpoints', registry()];
    assert.match((await init(1, '3.6', '--insecure', ...unknown)).stdout, /DISCOVERY_INVALID[\s\S]*does not know/);
    const away = ['--discovery-token', 'abcdef', '--discovery-endpoints', `http://${hub().ip}:9`];
    assert.match((await init(1, '3.6', '--insecure', ...away)).stdout, /DISCOVERY_UNREACHABLE/);
    const secure = await init(1, '3.6', ...tls(), '--discovery-srv', DOMAIN);
    assert.match(secure.stdout, /DISCOVERY_SRV[\s\S]*no record _etcd-server-ssl[\s\S]*--insecure/);
    assert.match((await init(1, '3.6', '--insecure', '--discovery-srv', 'no.test')).stdout, /DISCOVERY_SRV/);
  });
});
