/** Programs that kernel/linux needs beside the kernel itself (ip, iptables, nft), run without a shell. */
import { TsflannelError } from '../../errors.ts';

/** Debian packages of the programs, for the error's fix. */
const PACKAGES: Readonly<Record<string, string>> = { ip: 'iproute2', nft: 'nftables' };

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program with `input` on its stdin and waits for it. Throws TOOL_MISSING; any exit status is a result. */
export async function tryTool(tool: string, args: readonly string[], input = ''): Promise<ToolResult> {
  const { execa } = await import('execa');
  const options = { input, reject: false, stripFinalNewline: false, maxBuffer: 256 << 20 } as const;
  const result = await execa(tool, args, options);
  if (result.exitCode === undefined && result.code === 'ENOENT') {
    throw new TsflannelError('TOOL_MISSING', {
      tool,
      detail: 'PATH has no such program',
      package: PACKAGES[tool] ?? 'iptables',
    });
  }
  return {
    exitCode: result.exitCode ?? 1,
    stdout: result.stdout,
    stderr: result.stderr || (result.originalMessage ?? ''),
  };
}

/** The program's output. Throws TOOL_MISSING, TOOL_FAILED with its last words. */
export async function runTool(tool: string, args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await tryTool(tool, args, input);
  if (exitCode !== 0)
    throw new TsflannelError('TOOL_FAILED', { tool, detail: stderr.trim() || `exit status ${exitCode}` });
  return stdout;
}
