import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRORS, type ErrorEntry } from '../../src/errors.ts';
import { commandOf, commands, flagsIn, inTurn, tsflannel } from '../support/program.ts';
import { until } from '../support/until.ts';

/** Other programs that a fix may name. */
const OTHERS = /^(?:(?:apt-get install|ip link delete dev|systemctl stop) \S+|mv \S+ \S+|timedatectl status)$/;
const SAMPLES: Record<string, string> = { command: 'tsflannel up' };

const fixes = [
  ...new Set(
    Object.values(ERRORS as Record<string, ErrorEntry>).flatMap(({ fix }) =>
      fix.map((line) => line.replace(/\{(\w+)\}/g, (_, name: string) => SAMPLES[name] ?? 'x')),
    ),
  ),
];
describe('what an error says to try', () => {
  for (const fix of fixes) {
    const line = fix.replace(/^sudo /, '');
    const words = line.replace(/^tsflannel ?/, '');
    if (words === line) {
      it(fix, () => assert.match(line, OTHERS));
      continue;
    }
    it(`${fix}: is a command with these flags`, () => {
      const command = commandOf(words);
      assert.ok(command, words);
      const isGeneral =
        line.startsWith(SAMPLES.command ?? '') &&
        Object.values(ERRORS as Record<string, ErrorEntry>).some((row) =>
          row.fix.some((one) => one.startsWith('{command}') && fix.endsWith(one.slice('{command}'.length))),
        );
      const known = isGeneral ? commands.flatMap(({ flags }) => Object.keys(flags)) : Object.keys(command.flags);
      for (const flag of flagsIn(line)) assert.ok(known.includes(flag), `${command.id} has no --${flag}`);
    });
  }

  it('has help, each', async () => {
    const lines = fixes.map((fix) => fix.replace(/^sudo /, '')).filter((line) => line.startsWith('tsflannel '));
    await inTurn([...new Set(lines.map((line) => line.replace(/ --.*$/, '')))], async (line) => {
      const { exitCode, stderr } = await tsflannel([...line.split(' ').slice(1), '--help']);
      assert.deepEqual([exitCode, stderr], [0, ''], line);
    });
  }).timeout(240_000);
});

describe('a command that fails', () => {
  const CANARY = 's3cr3t-canary';
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-cli-'));
  });
  after(() => rm(dir, { recursive: true }));

  const place = () => ['--config-dir', join(dir, 'etc')];
  const node = () => ['--state-dir', join(dir, 'state'), '--run-dir', join(dir, 'run')];
  const away = ['--etcd-endpoints', 'http://127.0.0.1:1'];
  const secret = ['--etcd-username', 'root', '--etcd-password', CANARY];
  const env = { TSFLANNEL_ETCD_PASSWORD: CANARY, FLANNELD_ETCD_PASSWORD: CANARY, TSFLANNEL_ETCD_USERNAME: 'root' };

  const cases = (): [string[], string, number][] => [
    [['config', 'get', ...place(), ...away, ...secret], 'ETCD_UNREACHABLE', 69],
    [['config', 'set', '--network', '203.0.113.0/24', ...place(), ...away, ...secret], 'ETCD_UNREACHABLE', 69],
    [['config', 'set', ...place(), ...away, ...secret], 'MISSING_FLAGS', 2],
    [['config', 'set', '--network', '10.5.3.4/16', ...place(), ...away, ...secret], 'ETCD_UNREACHABLE', 69],
    [['config', 'validate', '--network', '10.5.3.4/16', ...place(), ...secret], 'USAGE', 2],
    [['config', 'get', '--etcd-pasword', CANARY], 'USAGE', 2],
    [['config', 'get', `--etcd-pasword=${CANARY}`], 'USAGE', 2],
    [['config', 'get', ...place(), '--etcd-endpoints', `http://root:${CANARY}@127.0.0.1:1`], 'USAGE', 2],
    [['config', 'get', ...place(), ...away, '--etcd-prefix', 'x y', ...secret], 'USAGE', 2],
    [['config', 'get', ...place(), ...away, '--etcd-cafile', '/nonexistent', ...secret], 'ETCD_TLS', 5],
    [['routes', ...place(), ...node(), ...away, ...secret], 'ETCD_UNREACHABLE', 69],
    [['plan', ...place(), ...node(), ...away, ...secret], 'ETCD_UNREACHABLE', 69],
    [
      ['up', ...place(), ...node(), ...away, ...secret, '--no-wait', '--subnet-file', join(dir, 'env')],
      'ETCD_UNREACHABLE',
      69,
    ],
    [['up', ...place(), ...node(), ...away, ...secret, '--public-ip', '127.0.0.1'], 'USAGE', 2],
    [['docker', 'opts', '--subnet-file', join(dir, 'no.env')], 'SUBNET_ENV_MISSING', 3],
    [['nonsense'], 'USAGE', 2],
  ];

  it('says so as JSON of less than 2 kB, by its exit status, without any secret', async () => {
    await inTurn(cases(), async ([args, code, exit]) => {
      const { stdout, stderr, exitCode } = await tsflannel([...args, '--json'], env);
      const { error } = JSON.parse(stdout) as { error: { code: string; exit: number; fix: string[] } };
      assert.deepEqual([error.code, error.exit, exitCode], [code, exit, exit], args.join(' '));
      assert.ok(stdout.length < 2_048 && error.fix.length > 0, args.join(' '));
      assert.doesNotMatch(stdout + stderr, new RegExp(CANARY), args.join(' '));
    });
  }).timeout(240_000);

  it('says so to people on stderr, with something to try, without any secret', async () => {
    await inTurn(cases(), async ([args, code, exit]) => {
      const { stdout, stderr, exitCode } = await tsflannel(args, env);
      assert.equal(exitCode, exit);
      assert.equal(stdout, '');
      assert.match(stderr, new RegExp(`^Error: [^]*^ {2}why: [^]*^ {2}try: [^]*^ {2}code: ${code}$`, 'm'));
      assert.doesNotMatch(stdout + stderr, new RegExp(`${CANARY}|\x1b|\\{\\w+\\}`), args.join(' '));
    });
  }).timeout(240_000);

  it('started a daemon whose log and command line do not tell the secret', async () => {
    const file = ['--subnet-file', join(dir, 'env'), '--iface-regex', '.'];
    const args = ['up', '--detach', '--wait', '--timeout', '10', ...place(), ...node(), ...away, ...secret, ...file];
    const running = tsflannel(args);
    const pid = () => readFile(join(dir, 'run', 'daemon.pid'), 'utf8').catch(() => '');
    await until('the daemon runs', async () => (await pid()) !== '');
    const line = await readFile(`/proc/${(await pid()).trim()}/cmdline`, 'utf8');
    const { stderr, exitCode } = await running;
    assert.match(line, /bin\/run\.js.*etcd-username/);
    assert.equal(exitCode, 1);
    const log = await readFile(join(dir, 'run', 'daemon.log'), 'utf8');
    assert.match(log, /waiting etcd does not answer/);
    assert.doesNotMatch(line + stderr + log, new RegExp(CANARY));
    await until('the daemon has ended', async () => (await pid()) === '');
  }).timeout(240_000);

  it('ends without a word when nobody reads on', async () => {
    const child = tsflannel(['lab', 'up', '--help']);
    child.stdout?.destroy();
    const { exitCode, stderr } = await child;
    assert.ok(exitCode === 141 || exitCode === 0, String(exitCode));
    assert.equal(stderr, '');
  });

  it('has no colour in a pipe, whatever else is set', async () => {
    const { stdout } = await tsflannel(['status', ...place(), ...node(), ...away], {
      CI: 'true',
      TERM: 'xterm-256color',
    });
    assert.match(stdout, /^down: /);
    assert.doesNotMatch(stdout, /\x1b/);
  });
});
