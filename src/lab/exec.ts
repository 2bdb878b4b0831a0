import { spawn } from 'node:child_process';
import { TsflannelError } from '../errors.ts';
import { exitOfSignal } from '../model/exits.ts';
import type { Lab, LabNode } from './lab.ts';
import { nodeEnvironment, onNode } from './node.ts';

/** Signals a supervisor sends; those of the terminal (Ctrl-C) reach the command by themselves. */
const FORWARDED = ['SIGTERM', 'SIGHUP'] as const;
const IGNORED = ['SIGINT', 'SIGQUIT'] as const;

/** Exit status, 128 + n for signal n, 127 when there is no such program; and what was kept of its output. */
export interface Executed {
  readonly exit: number;
  readonly stdout?: string;
}

/** Runs a command on a node with this process's own terminal, input and output, as if typed there; with `keep` its stdout is kept instead. */
export function execOn(lab: Lab, node: LabNode, argv: readonly string[], keep: boolean): Promise<Executed> {
  const [program, ...rest] = onNode(node, argv);
  const stdio = ['inherit', keep ? 'pipe' : 'inherit', 'inherit'] as const;
  const child = spawn(program, rest, { env: nodeEnvironment(lab, node), stdio: [...stdio] });
  const parts: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => parts.push(part));
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  const ignore = () => undefined;
  for (const signal of FORWARDED) process.on(signal, forward);
  for (const signal of IGNORED) process.on(signal, ignore);
  return new Promise<Executed>((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new TsflannelError('TOOL_MISSING', { tool: program, detail: error.message, package: 'util-linux' }, error),
      ),
    );
    child.once('close', (code, signal) => {
      const exit = signal === null ? (code ?? 1) : exitOfSignal(signal);
      resolve({ exit, ...(keep && { stdout: Buffer.concat(parts).toString() }) });
    });
  }).finally(() => {
    for (const signal of FORWARDED) process.off(signal, forward);
    for (const signal of IGNORED) process.off(signal, ignore);
  });
}
