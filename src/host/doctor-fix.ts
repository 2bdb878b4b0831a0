import { chmod } from 'node:fs/promises';
import { commandOf, type Finding, type Repair } from '../doctor/doctor.ts';
import { plainKernel } from './node.ts';

/** What became of one repair. */
export interface Repaired {
  readonly id: string;
  readonly command: string;
  /** Why it could not be done. */
  readonly error?: string;
}

async function setSysctl(name: string, value: string): Promise<string | undefined> {
  const kernel = await plainKernel();
  try {
    const step = { action: 'replace', object: { kind: 'sysctl', name, value }, because: 'doctor --fix' } as const;
    return (await kernel.apply([step]))[0]?.error;
  } finally {
    await kernel.close();
  }
}

async function runTool(tool: string, args: readonly string[]): Promise<string | undefined> {
  const { tryTool } = await import('../kernel/linux/tool.ts');
  const { exitCode, stderr } = await tryTool(tool, args);
  return exitCode === 0 ? undefined : stderr.trim() || `exit status ${exitCode}`;
}

async function repair(one: Repair): Promise<string | undefined> {
  switch (one.kind) {
    case 'sysctl':
      return setSysctl(one.name, one.value);
    case 'module':
      return runTool('modprobe', [one.name]);
    case 'offload':
      return runTool('ethtool', ['-K', one.device, one.feature, 'off']);
    case 'mode':
      await chmod(one.path, one.mode);
      return undefined;
  }
}

/** Does the repairs of these findings, one by one; one that fails does not stop the others. */
export async function repairAll(findings: readonly Finding[]): Promise<readonly Repaired[]> {
  const done: Repaired[] = [];
  for (const { id, repairs } of findings) {
    for (const one of repairs) {
      const error = await repair(one).catch((cause: Error) => cause.message);
      done.push({ id, command: commandOf(one), ...(error !== undefined && { error }) });
    }
  }
  return done;
}
