import { randomUUID } from 'node:crypto';
import { execa } from 'execa';
import { TsflannelError } from '../errors.ts';
import type { BenchReport } from '../model/figures.ts';
import type { Lab, LabNode } from './lab.ts';
import { nodeEnvironment, onNode } from './node.ts';

/** Two nodes of a lab, and what `bench` is told beside their addresses. */
export interface LabBench {
  readonly lab: Lab;
  readonly from: LabNode;
  readonly to: LabNode;
  /** Flags of the plan, as typed. */
  readonly flags: readonly string[];
}

/** Longer than any plan. */
const TIMEOUT_MS = 20 * 60_000;

/** What the command with `--json` said went wrong there. */
function complaintOf(stdout: string): string {
  try {
    const { error } = JSON.parse(stdout) as { error?: { what?: unknown; why?: unknown } };
    return `${error?.what}: ${error?.why}`;
  } catch {
    return stdout.trim() || 'it said nothing';
  }
}

/** Starts `tsflannel bench` on a node; what it tells of its progress goes to our stderr where wanted. */
function start({ lab, flags }: LabBench, node: LabNode, code: string, args: readonly string[]) {
  const [program, ...rest] = onNode(node, ['tsflannel', 'bench', '--json', ...args, ...flags]);
  return execa(program, rest, {
    env: { ...nodeEnvironment(lab, node), TSFLANNEL_BENCH_CODE: code },
    ...{ extendEnv: false, reject: false, stdin: 'ignore', timeout: TIMEOUT_MS },
    stderr: args.includes('--server') ? 'pipe' : 'inherit',
  });
}

/**
 * Runs `bench --server` on one node and `bench` on the other. Rejects with BENCH_FAILED and what the one that failed said. The server is asked
 * by its underlay address, which the lab knows; it tells the other one itself.
 */
export async function benchLab(bench: LabBench): Promise<BenchReport> {
  const { from, to } = bench;
  if (from.name === to.name) throw new TsflannelError('USAGE', { detail: `--from and --to are both ${to.name}` });
  const code = randomUUID();
  const server = start({ ...bench, flags: [] }, to, code, ['--server', '--underlay']);
  const refused = server.then(({ exitCode, stdout }) => {
    if (exitCode !== 0) throw new TsflannelError('BENCH_FAILED', { detail: `${to.name}: ${complaintOf(stdout)}` });
  });
  const client = start(bench, from, code, [to.ip]);
  try {
    // A server that ends well ends after the client.
    await Promise.race([refused, client]);
    const { exitCode, stdout } = await client;
    if (exitCode !== 0) throw new TsflannelError('BENCH_FAILED', { detail: `${from.name}: ${complaintOf(stdout)}` });
    await refused;
    return JSON.parse(stdout) as BenchReport;
  } finally {
    for (const process of [server, client]) process.kill();
    await Promise.allSettled([server, client, refused]);
  }
}
