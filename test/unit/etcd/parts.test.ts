import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import { lastWords, openLog } from '../../../src/etcd/log.ts';
import { memberCells, type OpenKv, readCluster, whyNotHealthy } from '../../../src/etcd/members.ts';
import { birthOf, listenerOf } from '../../../src/etcd/proc.ts';
import { findProgram, parseVersion } from '../../../src/etcd/program.ts';
import { parseState, printState } from '../../../src/etcd/state.ts';
import type { Kv, MemberInfo, MemberStatus } from '../../../src/store/kv.ts';

describe('etcd/log', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'boot-log-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('puts a log aside when it has grown', () => {
    const path = join(dir, 'log');
    const log = openLog(path, 10);
    log.write('0123456789');
    log.write('next');
    assert.equal(readFileSync(`${path}.1`, 'utf8'), '0123456789');
    assert.equal(readFileSync(path, 'utf8'), 'next');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    openLog(path, 10).write('456789');
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'next456789');
  });

  it('finds what matters in etcd\u2019s log', () => {
    const path = join(dir, 'log');
    const line = (level: string, msg: string, more = {}) => JSON.stringify({ level, msg, ...more });
    writeFileSync(
      path,
      [line('info', 'hello'), line('warn', 'it broke', { error: 'EIO' }), line('info', 'bye')].join('\n'),
    );
    assert.equal(lastWords(path), 'warn: it broke: EIO');
    writeFileSync(path, 'one\ntwo\n');
    assert.match(lastWords(path), /one\s+two/);
    assert.equal(lastWords(join(dir, 'none')), '');
  });
});

describe('etcd/state', () => {
  it('reads back what it wrote, and nothing else', () => {
    const state = { phase: 'discovering', supervisor: 7, dataDir: '/d', starts: 0, found: 1, size: 3 } as const;
    assert.deepEqual(parseState(printState(state)), state);
    for (const bad of [
      '',
      '{}',
      '{"phase":"x","supervisor":7,"dataDir":"/d","starts":0}',
      '{"phase":"running","supervisor":0,"dataDir":"/d","starts":0}',
    ])
      assert.equal(parseState(bad), undefined);
  });
});

describe('etcd/program', () => {
  it('reads a version', () => {
    assert.deepEqual(parseVersion('etcd Version: 3.4.23\nGit SHA: x'), [3, 4]);
    assert.equal(parseVersion('something else 3.4'), undefined);
  });

  it('finds programs by PATH and beside it, and ignores relative folders', () => {
    assert.equal(findProgram('sh', ''), '/usr/bin/sh');
    assert.equal(findProgram('sh', '.:/bin'), '/bin/sh');
    assert.equal(findProgram('no-such-program', '/bin'), undefined);
  });
});

describe('etcd/proc', () => {
  it('knows a process by its birth, and none that is gone', () => {
    assert.match(birthOf(process.pid), /^\d+$/);
    assert.equal(birthOf(2 ** 30), '');
  });

  it('names the process that listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    assert.equal(listenerOf(port)?.pid, process.pid);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(listenerOf(port), undefined);
  });
});

describe('etcd/members', () => {
  const info = (id: bigint, change: Partial<MemberInfo> = {}): MemberInfo => ({
    ...{ id, name: `m${id}`, isLearner: false, peerUrls: [`http://10.0.0.${id}:2380`] },
    clientUrls: [`http://10.0.0.${id}:2379`],
    ...change,
  });
  const status = (memberId: bigint, leader: bigint): MemberStatus => ({
    ...{
      memberId,
      leader,
      clusterId: 0xabcn,
      version: '3.4.23',
      dbSize: 20_480n,
      dbSizeInUse: 10_240n,
      revision: 1n,
      raftTerm: 1n,
      raftIndex: 1n,
    },
  });
  /** A client whose members answer as the table says; a member that is not in it does not answer. */
  const open =
    (infos: readonly MemberInfo[], statuses: Readonly<Record<string, MemberStatus>>): OpenKv =>
    async ({ endpoints }) => {
      const down = () => Promise.reject(new TsflannelError('ETCD_UNREACHABLE', { endpoints: 'x', detail: 'down' }));
      const answer = statuses[endpoints[0] ?? ''];
      return {
        members: async () => infos,
        status: () => (answer ? Promise.resolve(answer) : down()),
        range: () => (answer ? Promise.resolve({}) : down()),
        close: () => {},
      } as unknown as Kv;
    };
  const OPTIONS = { endpoints: ['http://10.0.0.1:2379'], timeoutMs: 1000 };

  it('asks each member itself', async () => {
    const infos = [info(2n), info(1n), info(3n, { name: '', clientUrls: [] }), info(4n), info(5n, { isLearner: true })];
    const cluster = await readCluster(
      open(infos, {
        'http://10.0.0.1:2379': status(1n, 1n),
        'http://10.0.0.4:2379': status(4n, 0n),
        'http://10.0.0.5:2379': status(5n, 1n),
      }),
      OPTIONS,
    );
    assert.deepEqual(
      cluster.rows.map((row) => `${row.id} ${row.status} ${row.isLeader}`),
      ['3 not started false', '1 healthy true', '2 unreachable false', '4 no leader false', '5 learner false'],
    );
    assert.deepEqual([cluster.leader, cluster.clusterId], [1n, 0xabcn]);
    assert.deepEqual(memberCells(cluster)[1], [
      ...['m1', '1', 'http://10.0.0.1:2379', 'http://10.0.0.1:2380', 'healthy', 'yes', '3.4.23', '20.5 kB'],
    ]);
  });

  it('shows names from etcd without control characters', async () => {
    const cluster = await readCluster(open([info(1n, { name: 'a\u001b[2J' })], {}), OPTIONS);
    assert.equal(memberCells(cluster)[0]?.[0], 'a?[2J');
  });

  it('says why a member is not healthy', async () => {
    assert.equal(await whyNotHealthy(open([], { 'http://10.0.0.1:2379': status(1n, 1n) }), OPTIONS), undefined);
    assert.equal(await whyNotHealthy(open([], { 'http://10.0.0.1:2379': status(1n, 0n) }), OPTIONS), 'no leader yet');
    assert.match((await whyNotHealthy(open([], {}), OPTIONS)) ?? '', /does not answer/);
  });
});
