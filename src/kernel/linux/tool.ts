/** Programs that kernel/linux needs beside the kernel itself (ip, iptables, nft), run without a shell. */
import { execFile } from 'node:child_process';
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

const exitOf = (code: string | number | null | undefined): number => (typeof code === 'number' ? code : 1);

/**
 * Runs the program with `input` on its stdin and waits for it; `started` is told its pid. Throws TOOL_MISSING; any exit status is a result. Not by execa: a daemon
 * that starts would load it for nothing else (15 ms).
 */
export function tryTool(
  tool: string,
  args: readonly string[],
  input = '',
  started?: (pid: number) => void,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(tool, args, { maxBuffer: 256 << 20 }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') {
        const detail = 'PATH has no such program';
        reject(new TsflannelError('TOOL_MISSING', { tool, detail, package: PACKAGES[tool] ?? 'iptables' }));
      } else {
        const exitCode = error ? exitOf(error.code) : 0;
        resolve({ exitCode, stdout, stderr: stderr || (error?.message ?? '') });
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
  const { exitCode, stdout, stderr } = await tryTool(tool, args, input);
  if (exitCode !== 0)
    throw new TsflannelError('TOOL_FAILED', { tool, detail: stderr.trim() || `exit status ${exitCode}` });
  return stdout;
}
