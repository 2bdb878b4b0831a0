import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { nodeEnvironment, onNode } from '../../src/lab/index.ts';
import type { BenchReport } from '../../src/model/figures.ts';
import { packageRoot } from '../../src/root.ts';
import { holdsItsSchemas, holdToSchema } from '../support/held.ts';
import { TEST_LABS, useLab } from '../support/lab.ts';
import { until } from '../support/until.ts';

const PROGRAM = join(packageRoot(), 'bin', 'run.js');

interface Shown extends BenchReport {
  readonly rows: readonly { readonly what: string; readonly ratio?: number }[];
}

/** That something was measured, never how fast. */
function checkPath(path: BenchReport['paths'][number] | undefined, name: string): void {
  assert.ok(path);
  assert.equal(path.name, name);
  assert.deepEqual(
    path.tcp.map(({ streams }) => streams),
    [1, 4],
  );
  for (const { bitsPerSecond, cpuSecondsPerGb } of path.tcp) assert.ok(bitsPerSecond > 0 && cpuSecondsPerGb > 0);
  assert.deepEqual(
    path.udp.map(({ size, rate }) => [size, rate]),
    [
      [64, 1000],
      [1400, 500],
    ],
  );
  for (const { sent, received, lost } of path.udp) assert.ok(sent > 0 && received <= sent && lost >= 0 && lost <= 1);
  assert.ok(path.roundTrip && path.roundTrip.count > 0 && path.roundTrip.median <= path.roundTrip.p99);
}

describe('bench', () => {
  const name = 'lab-bench';
  const ground = useLab({ name, backend: 'udp' });
  const { run, node } = ground;
  const PLAN = ['--seconds', '1', '--small-rate', '1000', '--large-rate', '500'];

  it('measures overlay and underlay between two nodes of a lab', async () => {
    const argv = [PROGRAM, 'bench', '--lab', name, '--from', 'n1', '--to', 'n2', ...PLAN, '--json'];
    const { stdout, stderr } = await execa(process.execPath, argv, { env: { TSFLANNEL_LAB_DIR: TEST_LABS } });
    holdToSchema(argv, stdout);
    const { schemaVersion, backend, paths, sameMachine, rows } = JSON.parse(stdout) as Shown & { schemaVersion: 1 };
    assert.deepEqual([schemaVersion, backend, sameMachine, paths.length], [1, 'udp', true, 2]);
    checkPath(paths[0], 'overlay');
    checkPath(paths[1], 'underlay');
    assert.deepEqual([paths[0]?.mtu, paths[1]?.mtu], [1472, 1500]);
    assert.ok(rows.every(({ ratio }) => ratio === undefined || ratio > 0));
    assert.match(stderr, /^bench: underlay: round trips$/m);
  }).timeout(240_000);

  it('measures from another node with the code the server printed, over the overlay only unless told otherwise', async () => {
    const [program, ...args] = onNode(node(2), ['tsflannel', 'bench', '--server', '--json']);
    const server = spawn(program, args, {
      env: nodeEnvironment(ground.lab, node(2)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const result = text(server.stdout);
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    const command = () => /^ {2}(tsflannel bench (172\.17\.\d+\.0) --code \S+)$/m.exec(said);
    await until('the server to say how to reach it', () => command() !== null);
    const wrong = run(1, 'tsflannel', 'bench', command()?.[2] ?? '', '--code', 'not-the-code', ...PLAN);
    await assert.rejects(wrong, /BENCH_CODE/);
    const ran = await run(1, ...(command()?.[1] ?? '').split(' '), ...PLAN, '--json');
    const { paths } = JSON.parse(ran.stdout) as Shown;
    assert.equal(paths.length, 1);
    checkPath(paths[0], 'overlay');
    holdToSchema([program, ...args], await result);
    assert.equal(JSON.parse(await result).measurements, 5);
  }).timeout(240_000);

  it('says what is wrong', async () => {
    const nobody = run(1, 'tsflannel', 'bench', '198.18.0.2', '--code', 'x');
    await assert.rejects(nobody, /BENCH_UNREACHABLE/);
    const argv = [PROGRAM, 'bench', '--lab', name, '--from', 'n1', '--to', 'n1'];
    const { exitCode, stderr } = await execa(process.execPath, argv, {
      ...{ reject: false, env: { TSFLANNEL_LAB_DIR: TEST_LABS } },
    });
    assert.equal(exitCode, 2);
    assert.match(stderr, /both n1/);
  }).timeout(240_000);

  holdsItsSchemas('bench');
});
