import { accessSync, constants } from 'node:fs';
import { TsflannelError } from '../errors.ts';

/** Where programs are looked for beside PATH: a root shell's PATH may lack them. */
const MORE = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Absolute path of a program, or `undefined`. */
export function findProgram(name: string, path: string): string | undefined {
  const folders = [...path.split(':').filter((folder) => folder.startsWith('/')), ...MORE];
  return folders.map((folder) => `${folder}/${name}`).find(isProgram);
}

/** The etcd program: the one that was chosen, else the first in PATH. Throws ETCD_NOT_INSTALLED. */
export function findEtcd(path: string, chosen?: string): string {
  const file = chosen === undefined ? findProgram('etcd', path) : isProgram(chosen) ? chosen : undefined;
  const detail = chosen === undefined ? 'PATH has no executable etcd' : `${chosen} is no program`;
  if (!file) throw new TsflannelError('ETCD_NOT_INSTALLED', { detail });
  return file;
}

/** `etcd Version: 3.4.23` -> [3, 4]; `undefined` for anything else. */
export function parseVersion(output: string): readonly [number, number] | undefined {
  const match = /etcd Version:\s*([0-9]{1,3})\.([0-9]{1,3})/.exec(output);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/**
 * What this etcd can do by itself (its CHANGELOGs): v3 discovery came with 3.6, v2 discovery goes with 3.7. tsflannel speaks both and DNS
 * SRV itself, and hands etcd the finished list, so that each works with every etcd from 3.4 on.
 */
export function ownDiscovery(version: string): readonly ('v2' | 'v3' | 'srv')[] {
  const minor = Number(version.split('.')[1]);
  return [...(minor < 7 ? (['v2'] as const) : []), ...(minor >= 6 ? (['v3'] as const) : []), 'srv'];
}

/** The version of the etcd program. Rejects with ETCD_NOT_INSTALLED where it cannot be run or is older than 3.4. */
export async function checkEtcd(file: string): Promise<string> {
  const { execa } = await import('execa');
  const result = await execa(file, ['--version'], { reject: false, timeout: 10_000, extendEnv: false, env: {} });
  const version = parseVersion(String(result.stdout));
  if (!version) throw new TsflannelError('ETCD_VERSION', { file, detail: 'it does not print one' });
  const [major, minor] = version;
  if (major < 3 || (major === 3 && minor < 4))
    throw new TsflannelError('ETCD_VERSION', { file, detail: `it is ${major}.${minor}` });
  return `${major}.${minor}`;
}
