import { accessSync, constants } from 'node:fs';
import { TsflannelError } from '../errors.ts';

/** Where programs are looked for beside PATH: a root shell's PATH may lack them. */
const MORE = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** Absolute path of a program, or `undefined`. */
export function findProgram(name: string, path: string): string | undefined {
  const folders = [...path.split(':').filter((folder) => folder.startsWith('/')), ...MORE];
  return folders
    .map((folder) => `${folder}/${name}`)
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The etcd program. Throws ETCD_NOT_INSTALLED. */
export function findEtcd(path: string): string {
  const file = findProgram('etcd', path);
  if (!file) throw new TsflannelError('ETCD_NOT_INSTALLED');
  return file;
}

/** `etcd Version: 3.4.23` -> [3, 4]; `undefined` for anything else. */
export function parseVersion(output: string): readonly [number, number] | undefined {
  const match = /etcd Version:\s*([0-9]{1,3})\.([0-9]{1,3})/.exec(output);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
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
