/**
 * What every command that changes something promises, by a table: --dry-run changes nothing, a second run changes nothing and says so, and
 * what is dangerous needs a yes. Seen in the network of the host, its files, and etcd with its members.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { difference, type Snapshot, snapshot } from '../../src/lab/snapshot.ts';
import { packageRoot } from '../../src/root.ts';
import { type TestHost, useHosts } from '../support/hosts.ts';
import { json, succeeds } from '../support/members.ts';
import { commands } from '../support/program.ts';

/** Typed in this order; DIR is the host's folder, TOKEN the id of a token. `!`: dangerous. `*`: changes nothing that can be seen. `+`: each makes another. */
const CHANGES: readonly string[] = [
  'init --yes --name n1 --size 2',
  'config set --network 10.5.0.0/16 --backend vxlan',
  'leases reserve 10.5.7.0/24 --public-ip 10.9.9.7',
  '! leases release 10.5.7.0/24',
  '! etcd put config {"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":7}}',
  '* etcd compact',
  '* etcd defrag',
  'etcd alarm disarm',
  'etcd member add n2 --peer-url https://10.9.9.9:2380',
  '! etcd member remove https://10.9.9.9:2380',
  'etcd snapshot schedule --every 1d --dir DIR/snapshots',
  'etcd snapshot schedule --off',
  '+ token create --ttl 60',
  'token revoke TOKEN',
  'service install --init sysvinit --root DIR/image',
  'service uninstall --init sysvinit --root DIR/image',
  'gateway enable',
  'gateway disable',
  'down',
  '! etcd del config',
  'etcd stop',
  '! etcd stop --purge',
];

/** Commands that change something and stand in no line above, and where the same is tested, or why not. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'config import': 'import-v2.test.ts',
  'discovery new': 'each makes another URL',
  'discovery serve': 'a server; discovery-serve.test.ts',
  'docker apply': 'docker/apply.test.ts',
  'docker network create': 'docker/network.test.ts',
  'docker network remove': 'docker/network.test.ts',
  'docker opts': 'writes one file, each time the same; cli/docker.test.ts',
  'docker revert': 'docker/apply.test.ts',
  doctor: 'only with --fix: what is repaired is well the second time; doctor.test.ts',
  'etcd member promote': 'etcd-members.test.ts',
  'etcd member replace': 'each replaces a lost member: there is none the second time; etcd-members.test.ts',
  'etcd snapshot restore': 'each makes the data anew; etcd-snapshot.test.ts',
  'etcd snapshot save': 'each is another snapshot; etcd-snapshot.test.ts',
  join: 'join.test.ts',
  'lab chaos': 'a lab of its own',
  'lab down': 'lab.test.ts',
  'lab exec': 'the command it runs decides',
  'lab up': 'refuses a lab that is there; lab.test.ts',
  up: 'plan is its dry run; a second one is refused, since its flags may be others',
};

/** Commands that only look, or only measure. */
const LOOKS = new Set(
  [
    'bench bundle cloud-init completion explain help leases ping plan routes schema status top trace ui version wait',
    ...['config get', 'config validate', 'config view', 'docker status', 'etcd alarm list', 'etcd get', 'etcd status'],
    ...['etcd member list', 'etcd snapshot list', 'etcd watch', 'gateway status', 'lab status', 'service status'],
    ...['test connectivity', 'token list'],
  ].flatMap((names, i) => (i === 0 ? names.split(' ') : [names])),
);

/** What etcd said last is written a while after it was heard. */
const BY_ITSELF = [/\/state\/view\.json /];

const lineOf = (change: string): string => change.replace(/^[!*+] /, '');
const commandIn = (line: string) =>
  commands.filter(({ id }) => `${line} `.startsWith(`${id} `)).sort((a, b) => b.id.length - a.id.length)[0];

describe('commands that change something', function () {
  this.timeout(240_000);
  const { host } = useHosts('changes', 1);
  let token = '';
  /** What the line before has left. */
  let last: Snapshot | undefined;
  const type = (one: TestHost, ...argv: string[]) => {
    const node = {
      TSFLANNEL_STATE_DIR: join(one.dir, 'state'),
      TSFLANNEL_SUBNET_FILE: join(one.dir, 'run/subnet.env'),
    };
    return one.tsflannelWith(node, ...argv, '--json');
  };

  /** Network, files (not those that etcd writes all the time), keys and members. */
  async function shows(): Promise<Snapshot> {
    const one = host(1);
    const dirs = ['etc', 'state', 'image', 'etcd.member.json', 'etcd.snapshots.json'].map((name) =>
      join(one.dir, name),
    );
    const { processes: _, ...seen } = await snapshot({ namespace: one.namespace, dirs });
    const status = await type(one, 'etcd', 'status');
    const { newestRevision, members = [] } = json(status) as { newestRevision?: string; members?: { id: string }[] };
    return { ...seen, revision: [String(newestRevision)], members: members.map(({ id }) => id) };
  }

  it('are all known here, and each line of the table takes --dry-run', () => {
    const lines = CHANGES.map(lineOf);
    const typed = new Set(lines.map((line) => commandIn(line)?.id ?? line));
    const unknown = commands.map(({ id }) => id).filter((id) => !typed.has(id) && !LOOKS.has(id) && !(id in ELSEWHERE));
    assert.deepEqual(unknown, []);
    for (const line of lines) assert.ok(commandIn(line)?.flags['dry-run'], line);
    for (const id of ['docker apply', 'docker revert', 'join', 'config import', 'etcd member promote'])
      assert.ok(commands.find((command) => command.id === id)?.flags['dry-run'], id);
  });

  for (const change of CHANGES)
    it(change, async () => {
      const [isDangerous, isUnseen, isAnother] = ['! ', '* ', '+ '].map((mark) => change.startsWith(mark));
      if (change === 'down') {
        const planned = async () => (await type(host(1), 'plan', '--detailed-exitcode')).exit;
        assert.equal(await planned(), 7, 'nothing is up yet');
        succeeds(await type(host(1), 'up', '--detach'));
        assert.equal(await planned(), 0);
        last = undefined;
      }
      if (change.includes('TOKEN')) {
        token = String(json(await type(host(1), 'token', 'create')).id);
        last = undefined;
      }
      mkdirSync(join(host(1).dir, 'image/etc/init.d'), { recursive: true });
      const argv = lineOf(change).replaceAll('DIR', host(1).dir).replace('TOKEN', token).split(' ');
      const before = last ?? (await shows());
      const dry = json(succeeds(await type(host(1), ...argv, '--dry-run')));
      assert.equal(dry.dryRun, true);
      if (isDangerous) {
        const refused = await type(host(1), ...argv);
        const { code, fix } = json(refused).error as { code: string; fix: string[] };
        assert.deepEqual([refused.exit, code], [2, 'NEEDS_CONFIRMATION']);
        assert.match(fix.join('\n'), / --yes$/m);
      }
      assert.equal(
        difference(before, await shows(), BY_ITSELF),
        '',
        'the dry run changed something, or the run without a yes',
      );
      const yes = isDangerous ? ['--yes'] : [];
      const done = json(succeeds(await type(host(1), ...argv, ...yes)));
      const after = await shows();
      const again = json(succeeds(await type(host(1), ...argv, ...yes)));
      last = await shows();
      if (!isAnother) assert.equal(difference(after, last, BY_ITSELF), '', 'the second run changed something');
      if (isUnseen) return;
      if (!isAnother) assert.equal(again.changed, false, JSON.stringify(again));
      if ('changed' in dry) assert.equal(dry.changed, done.changed, 'the dry run said something else');
      if (done.changed) assert.notEqual(difference(before, after), '', 'the real run changed nothing');
    });
});

describe('exit status', () => {
  it('4: without root', async () => {
    const program = join(packageRoot(), 'bin', 'tsflannel');
    const argv = ['--user', program, 'lab', 'up', '--name', 'changes-no-root', '--bare', '--json'];
    const { exitCode, stdout } = await execa('unshare', argv, { reject: false });
    assert.deepEqual([exitCode, JSON.parse(stdout).error.code], [4, 'NOT_ROOT']);
  });
});
