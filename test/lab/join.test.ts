import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseToken, printToken } from '../../src/etcd/join-token.ts';
import { hashOfCa } from '../../src/etcd/pki.ts';
import { newCa } from '../../src/etcd/pki-make.ts';
import { argvOf } from '../../src/etcd/proc.ts';
import { holdsItsSchemas } from '../support/held.ts';
import { type Ran, type TestHost, useHosts } from '../support/hosts.ts';
import { clusterId, healthy, json, members, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

const errorOf = (ran: Ran) => json(ran).error as { code: string; what: string; why: string };
const pki = (host: TestHost, name: string) => join(host.dir, 'etc', 'pki', name);
const logOf = (host: TestHost) => readFileSync(join(host.dir, 'etcd.log'), 'utf8');
const names = (ran: Ran) => members(ran).map(({ name, status }) => `${name} ${status}`);

async function token(host: TestHost, ...argv: string[]): Promise<string> {
  return json(succeeds(await host.tsflannel('token', 'create', ...argv, '--json'))).token as string;
}

const refusals = async (host: TestHost) =>
  json(succeeds(await host.tsflannel('token', 'list', '--json'))) as {
    unknown: number;
    tokens: { id: string; state: string; refused: number; usedBy?: string }[];
  };

describe('tsflannel join: three members and a client over TLS', function () {
  this.timeout(300_000);
  const { host } = useHosts('join-lab', 4);
  let lines: string[] = [];
  const all = () => [host(1), host(2), host(3)] as const;

  async function refused(code: string, on: TestHost, ...argv: string[]): Promise<string> {
    const ran = await on.tsflannel('join', ...argv, '--json');
    assert.equal(errorOf(ran)?.code, code, ran.stdout);
    for (const word of argv) assert.ok(!word.startsWith('tsf1.') || !ran.stdout.includes(word), 'the token is shown');
    return errorOf(ran).why;
  }

  it('init secures a cluster of one and prints a line for each host to come', async () => {
    const ran = succeeds(
      await host(1).tsflannel('init', '--yes', '--size', '3', '--name', 'n1', '--network', '10.5.0.0/16'),
    );
    lines = [...ran.stdout.matchAll(/^ {2}tsflannel join (tsf1\.\S+)$/gm)].map(([, word]) => word ?? '');
    assert.equal(lines.length, 2, ran.stdout);
    for (const name of readdirSync(pki(host(1), '.'), { recursive: true, withFileTypes: true }))
      assert.equal(statSync(join(name.parentPath, name.name)).mode & 0o077, 0, name.name);
  });

  it('join brings two hosts in at once, one learner after the other', async () => {
    const runs = await Promise.all(
      [2, 3].map((n) => host(n).tsflannel('join', lines[n - 2] ?? '', '--name', `n${n}`, '--json')),
    );
    for (const ran of runs) assert.equal(json(succeeds(ran)).as, 'member');
    await until('all are healthy', () => healthy(host(2)));
    assert.deepEqual(names(await host(2).tsflannel('etcd', 'status', '--json')), [
      'n1 healthy',
      'n2 healthy',
      'n3 healthy',
    ]);
    assert.equal(new Set(await Promise.all(all().map(clusterId))).size, 1);
    assert.ok(!existsSync(pki(host(2), 'ca.key')), 'the CA key left its host');
  });

  it('has nothing to do when it is run again, with the token or without', async () => {
    // client.json of the first to come does not know the last.
    succeeds(await host(2).tsflannel('join'));
    for (const argv of [[lines[0] ?? ''], []])
      assert.equal(json(succeeds(await host(2).tsflannel('join', ...argv, '--json'))).changed, false);
  });

  it('keeps tokens out of logs, argument lists and its own files', () => {
    for (const one of all()) {
      const pids = [pidOf(one, 'etcd'), pidOf(one, 'supervisor')];
      const files = readdirSync(one.dir, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
      const texts = [
        ...pids.flatMap(argvOf),
        ...files.map((each) => readFileSync(join(each.parentPath, each.name), 'latin1')),
      ];
      for (const line of lines) {
        const secret = parseToken(line).secret;
        const forms = [line, secret.toString('hex'), secret.toString('base64url'), secret.toString('latin1')];
        assert.ok(!texts.some((text) => forms.some((form) => text.includes(form))), 'a secret is written somewhere');
      }
    }
  });

  it('refuses a used, an unknown, a revoked, an expired and a mistyped token, and counts what was shown', async () => {
    const before = await refusals(host(1));
    assert.match(await refused('JOIN_REFUSED', host(4), lines[0] ?? ''), /used already/);
    const good = parseToken(lines[0] ?? '');
    const forged = printToken({ ...good, secret: Buffer.alloc(good.secret.length, 7) });
    assert.match(await refused('JOIN_REFUSED', host(4), forged), /nobody made this token/);
    const foreign = printToken({ ...good, id: '0123456789' });
    assert.match(await refused('JOIN_REFUSED', host(4), foreign), /nobody made this token/);
    const revoked = await token(host(1));
    succeeds(await host(1).tsflannel('token', 'revoke', parseToken(revoked).id));
    assert.match(await refused('JOIN_REFUSED', host(4), revoked), /was revoked/);
    assert.match(succeeds(await host(1).tsflannel('token', 'revoke', parseToken(revoked).id)).stdout, /^no change/);
    const short = await token(host(1), '--ttl', '1');
    await until('the token has expired', async () =>
      (await refusals(host(1))).tokens.some(({ state }) => state === 'expired'),
    );
    assert.match(await refused('JOIN_REFUSED', host(4), short), /has expired/);
    const client = await token(host(1), '--for', 'client');
    assert.match(await refused('USAGE', host(4), client, '--as', 'member'), /for a client/);
    const mistyped = `${(lines[0] ?? '').slice(0, -3)}AAA`;
    assert.match(await refused('JOIN_TOKEN', host(4), mistyped), /checksum/);
    await refused('JOIN_TOKEN', host(4), 'tsf1.x');
    const { tokens, unknown } = await refusals(host(1));
    assert.equal(unknown - before.unknown, 2);
    const counts = (id: string) => tokens.find((one) => one.id === id)?.refused;
    assert.deepEqual([counts(good.id), counts(parseToken(short).id)], [2, 1]);
    assert.equal(tokens.find(({ id }) => id === good.id)?.usedBy, 'n2');
  });

  it('sends nothing to a host that is not the one that made the token', async () => {
    const good = parseToken(await token(host(1)));
    const other = new X509Certificate((await newCa()).cert);
    assert.match(await refused('JOIN_CA', host(4), printToken({ ...good, caHash: hashOfCa(other) })), /hash/);
    await refused('JOIN_UNREACHABLE', host(4), printToken({ ...good, port: 9 }));
    assert.equal((await refusals(host(1))).tokens.find(({ id }) => id === good.id)?.refused, 0);
    assert.equal((await refusals(host(1))).tokens.find(({ id }) => id === good.id)?.state, 'open');
  });

  it('lets nobody take the name or the address of a member', async () => {
    const mine = await token(host(1));
    assert.match(await refused('JOIN_FAILED', host(4), mine, '--name', 'n3'), /has a member n3/);
    // What was refused for its name did not use the token up.
    assert.equal((await refusals(host(1))).tokens.find(({ id }) => id === parseToken(mine).id)?.state, 'open');
    rmSync(join(host(4).dir, 'etc'), { recursive: true, force: true });
  });

  it('gives a client what it needs to run a node, and no more', async () => {
    const word = await token(host(1), '--for', 'client');
    assert.equal(
      json(succeeds(await host(4).tsflannelWith({ TSFLANNEL_JOIN_TOKEN: word }, 'join', '--json'))).as,
      'client',
    );
    assert.match(succeeds(await host(4).tsflannel('join')).stdout, /nothing to do/);
    assert.deepEqual(readdirSync(pki(host(4), '.')).sort(), ['ca.crt', 'client.crt', 'client.key', 'via']);
    assert.match(succeeds(await host(4).tsflannel('config', 'get')).stdout, /10\.5\.0\.0\/16/);
    const env = {
      TSFLANNEL_STATE_DIR: join(host(4).dir, 'state'),
      TSFLANNEL_SUBNET_FILE: join(host(4).dir, 'subnet.env'),
    };
    succeeds(await host(4).tsflannelWith(env, 'up', '--detach'));
    assert.match(succeeds(await host(4).tsflannelWith(env, 'routes')).stdout, /10\.78\.0\.4 .*this node/);
    succeeds(await host(4).tsflannelWith(env, 'down'));
    // etcd takes a client's certificate for no peer's.
    const peer = host(4).start(
      'openssl',
      's_client',
      '-connect',
      '10.78.0.1:2380',
      '-cert',
      pki(host(4), 'client.crt'),
      '-key',
      pki(host(4), 'client.key'),
    );
    await until('the peer port refuses it', () =>
      /client certificate authentication failed|bad certificate|CN/.test(logOf(host(1))),
    );
    await peer.kill();
  });

  it('refuses a client without a certificate', async () => {
    const ran = await host(4).tsflannelWith(
      { TSFLANNEL_CONFIG_DIR: join(host(4).dir, 'none') },
      'config',
      'get',
      '--etcd-endpoints',
      'https://10.78.0.1:2379',
      '--etcd-cafile',
      pki(host(4), 'ca.crt'),
      '--json',
    );
    assert.match(errorOf(ran).code, /ETCD_TLS|ETCD_UNREACHABLE/, ran.stdout);
  });

  it('survives the loss of the first member, and a stop and start of each', async () => {
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    assert.match(succeeds(await host(4).tsflannel('config', 'get')).stdout, /10\.5\.0\.0\/16/);
    succeeds(await host(1).tsflannel('init'));
    succeeds(await host(3).tsflannel('etcd', 'stop'));
    succeeds(await host(3).tsflannel('join'));
    await until('all are healthy', () => healthy(host(2)));
  });

  it('takes the same token again where the answer was lost, and no member whose data is', async () => {
    const word = await token(host(1));
    succeeds(await host(4).tsflannel('join', word, '--as', 'member', '--name', 'n4', '--wait-timeout', '60'));
    succeeds(await host(4).tsflannel('etcd', 'stop'));
    for (const name of ['etcd', 'etcd.member.json']) rmSync(join(host(4).dir, name), { recursive: true });
    const ran = await host(4).tsflannel('join', word, '--name', 'n4', '--json');
    assert.equal(errorOf(ran).code, 'JOIN_FAILED', ran.stdout);
    assert.match(errorOf(ran).why, /votes in the cluster already.*member remove n4/);
    succeeds(await host(1).tsflannel('etcd', 'member', 'remove', 'n4', '--yes'));
    succeeds(await host(4).tsflannel('etcd', 'stop', '--purge', '--yes'));
    succeeds(await host(4).tsflannel('join', await token(host(1)), '--name', 'n4'));
    succeeds(await host(4).tsflannel('etcd', 'stop', '--purge', '--yes'));
  });

  it('takes a member that was added beforehand and has not started, as learner and with a vote', async () => {
    succeeds(await host(1).tsflannel('etcd', 'member', 'remove', 'n4', '--yes'));
    for (const flags of [[], ['--voter']]) {
      const add = ['etcd', 'member', 'add', 'n4', '--peer-url', 'https://10.78.0.4:2380', ...flags];
      succeeds(await host(1).tsflannel(...add));
      succeeds(await host(4).tsflannel('join', await token(host(1)), '--name', 'n4'));
      await until('it votes', async () =>
        names(await host(1).tsflannel('etcd', 'status', '--json')).includes('n4 healthy'),
      );
      succeeds(await host(1).tsflannel('etcd', 'member', 'remove', 'n4', '--yes'));
      succeeds(await host(4).tsflannel('etcd', 'stop', '--purge', '--yes'));
    }
  });

  it('is gone with all its files', () => purge(...all()));

  holdsItsSchemas('join');
});
