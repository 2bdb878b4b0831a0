/** Programs that kernel/linux needs beside the kernel itself (ip, iptables, nft), run without a shell. */
import { type ExecFileException, execFile } from 'node:child_process';
import { TsflannelError } from '../../errors.ts';

/** Debian packages of the programs, for the error's fix. */
const PACKAGES: Readonly<Record<string, string>> = {
  ...{ ip: 'iproute2', nft: 'nftables', ethtool: 'ethtool', modprobe: 'kmod' },
};

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface ToolUse {
  /** Its stdin. */
  readonly input?: string;
  /** Told its pid. */
  readonly started?: ((pid: number) => void) | undefined;
  /** How long it may take. iptables waits 10 s for its lock: what takes longer hangs, and would keep us from all else for ever. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 15_000;

const whyNone = (error: ExecFileException, patienceMs: number): string =>
  error.killed ? `did not end in ${patienceMs / 1000} s` : error.signal ? `ended by ${error.signal}` : error.message;

/**
 * Runs the program and waits for it. Any exit status is a result. Throws TOOL_MISSING, and TOOL_FAILED where there is none: it could not be
 * started, was killed, or hung and we killed it. Not by execa: a daemon that starts would load it for nothing else (15 ms).
 */
export function tryTool(tool: string, args: readonly string[], use: ToolUse = {}): Promise<ToolResult> {
  const { input = '', started, patienceMs = PATIENCE_MS } = use;
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 256 << 20, timeout: patienceMs, killSignal: 'SIGKILL' } as const;
    const child = execFile(tool, args, options, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') {
        const detail = 'PATH has no such program';
        reject(new TsflannelError('TOOL_MISSING', { tool, detail, package: PACKAGES[tool] ?? 'iptables' }));
      } else if (error && typeof error.code !== 'number') {
        reject(new TsflannelError('TOOL_FAILED', { tool, detail: whyNone(error, patienceMs) }, error));
      } else {
        resolve({ exitCode: error ? Number(error.code) : 0, stdout, stderr: stderr || (error?.message ?? '') });
      }
    });
    if (child.pid !== undefined) started?.(child.pid);
    // A program that ends without reading its input is judged by its exit status.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** The program's output. Throws TOOL_MISSING, TOOL_FAILED with its last words. */
export async function runTool(tool: string, args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await tryTool(tool, args, { input });
  if (exitCode !== 0)
    throw new TsflannelError('TOOL_FAILED', { tool, detail: stderr.trim() || `exit status ${exitCode}` });
  return stdout;
}
