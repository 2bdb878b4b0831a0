import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import { parseCluster } from '../../../src/etcd/cluster.ts';
import { inspectDataDir } from '../../../src/etcd/data-dir.ts';
import { type Bootstrap, etcdCommand, type Member, memberFile } from '../../../src/etcd/member.ts';
import { parseMember, printMember, writeMember } from '../../../src/etcd/member-file.ts';

const LIST = 'a=http://10.0.0.1:2380,b=http://10.0.0.2:2380';
const cluster = (() => {
  const parsed = parseCluster(LIST, 'test');
  assert.ok(parsed.ok);
  return parsed.value;
})();
const URL = 'https://discovery.etcd.io/3e86b59982e49066c5d813af1c2e2579cbf573de';
const memberOf = (bootstrap: Bootstrap, dataDir = '/var/lib/tsflannel/etcd'): Member => ({
  ...{ name: 'a', bootstrap, dataDir, clientPort: 2379, peerPort: 2380 },
  ip: { family: 4, value: 0x0a000001n },
});
const BOOTSTRAPS: Record<string, Bootstrap> = {
  alone: { kind: 'alone', token: 'tsflannel-0123' },
  static: { kind: 'static', cluster },
  'discovery that waits': { kind: 'discovery', url: URL },
  'static, found in the DNS': { kind: 'static', cluster, srv: { domain: 'example.com', name: 'x' } },
  'v3 discovery': { kind: 'v3', registry: { token: 'abcd-1', endpoints: ['https://10.0.0.9:2379'], caFile: '/ca' } },
  'v3 discovery that knows the others': {
    ...{ kind: 'v3', registry: { token: 'abcd-1', endpoints: ['http://10.0.0.9:2379'] }, cluster },
  },
  'discovery that knows the others': { kind: 'discovery', url: URL, asked: { base: 'https://x', size: 2 }, cluster },
};

describe('etcd/member: the command', () => {
  it('listens on its address and on loopback, and has its own cluster when alone', () => {
    assert.deepEqual(etcdCommand(memberOf(BOOTSTRAPS.alone as Bootstrap), 'x64'), {
      args: [
        '--name=a',
        '--data-dir=/var/lib/tsflannel/etcd',
        '--listen-client-urls=http://10.0.0.1:2379,http://127.0.0.1:2379',
        '--advertise-client-urls=http://10.0.0.1:2379',
        '--listen-peer-urls=http://10.0.0.1:2380',
        '--initial-advertise-peer-urls=http://10.0.0.1:2380',
        '--initial-cluster=a=http://10.0.0.1:2380',
        '--initial-cluster-state=new',
        '--auto-compaction-mode=periodic',
        '--auto-compaction-retention=8h',
        '--snapshot-count=10000',
        '--quota-backend-bytes=2147483648',
        '--logger=zap',
        '--log-outputs=stderr',
      ],
      env: { ETCD_INITIAL_CLUSTER_TOKEN: 'tsflannel-0123' },
    });
  });

  it('takes the founders from the list, and from discovery, whose URL is the token', () => {
    const known = etcdCommand(memberOf(BOOTSTRAPS['discovery that knows the others'] as Bootstrap), 'arm64');
    assert.ok(known.args.includes(`--initial-cluster=${LIST}`));
    assert.deepEqual(known.env, { ETCD_INITIAL_CLUSTER_TOKEN: URL, ETCD_UNSUPPORTED_ARCH: 'arm64' });
    assert.equal(
      known.args.some((arg) => arg.includes(URL)),
      false,
    );
    const listed = etcdCommand(memberOf(BOOTSTRAPS.static as Bootstrap), 'x64');
    assert.ok(listed.args.includes(`--initial-cluster=${LIST}`));
    assert.equal(listed.env.ETCD_INITIAL_CLUSTER_TOKEN, 'etcd-cluster');
  });

  it('listens on loopback once when that is its address', () => {
    const here: Member = { ...memberOf(BOOTSTRAPS.alone as Bootstrap), ip: { family: 4, value: 0x7f000001n } };
    assert.ok(etcdCommand(here, 'x64').args.includes('--listen-client-urls=http://127.0.0.1:2379'));
  });
});

describe('etcd/member-file', () => {
  for (const [what, bootstrap] of Object.entries(BOOTSTRAPS)) {
    it(`reads back a member of kind ${what}`, () => {
      const member = { ...memberOf(bootstrap), clusterId: '74e93ec5356113b6' };
      assert.deepEqual(parseMember(printMember(member)), { ok: true, value: member });
    });
  }

  const good = JSON.parse(printMember(memberOf(BOOTSTRAPS.static as Bootstrap))) as Record<string, unknown>;
  for (const [what, change] of Object.entries({
    version: { version: 2 },
    name: { name: 'a,b' },
    'flag in the name': { name: '--force-new-cluster' },
    address: { ip: '10.0.0.01' },
    port: { clientPort: 0 },
    'relative data dir': { dataDir: 'etcd' },
    bootstrap: { bootstrap: null },
    kind: { bootstrap: { kind: 'other' } },
    token: { bootstrap: { kind: 'alone', token: 'a b' } },
    cluster: { bootstrap: { kind: 'static', cluster: 'a=nothing' } },
    url: { bootstrap: { kind: 'discovery', url: 'file:///etc/passwd' } },
    asked: { bootstrap: { kind: 'discovery', url: URL, asked: { base: 'x', size: 99 } } },
  })) {
    it(`refuses a marker with a wrong ${what}`, () => {
      assert.equal(parseMember(JSON.stringify({ ...good, ...change })).ok, false);
    });
  }
});

describe('etcd/data-dir', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'boot-unit-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const look = async () => (await inspectDataDir(join(root, 'etcd'))).state;
  const make = (...names: string[]) => mkdir(join(root, 'etcd', ...names), { recursive: true });
  const mark = (change: Partial<Member> = {}) =>
    writeMember({ ...memberOf(BOOTSTRAPS.alone as Bootstrap, join(root, 'etcd')), ...change });

  it('is empty when nothing is there, an empty folder, or a file system of its own', async () => {
    assert.equal(await look(), 'empty');
    await make();
    assert.equal(await look(), 'empty');
    await make('lost+found');
    assert.equal(await look(), 'empty');
  });

  it('is foreign with data and no marker, and with the marker of another folder', async () => {
    await make('member');
    assert.equal(await look(), 'foreign');
    const other = { ...memberOf(BOOTSTRAPS.alone as Bootstrap), dataDir: '/elsewhere' };
    await writeFile(memberFile(join(root, 'etcd')), printMember(other));
    assert.equal(await look(), 'foreign');
  });

  it('is prepared before etcd has begun, ours afterwards', async () => {
    await mark();
    assert.equal(await look(), 'prepared');
    await make('member');
    assert.equal(await look(), 'ours');
  });

  it('is lost when the cluster had been healthy and the data is gone', async () => {
    await mark({ clusterId: '1f' });
    assert.equal(await look(), 'lost');
  });

  it('says so when the marker cannot be read', async () => {
    await writeFile(memberFile(join(root, 'etcd')), 'x');
    await assert.rejects(look(), (error) => error instanceof TsflannelError && error.code === 'MEMBER_FILE_INVALID');
  });
});
