import { chmod, mkdir } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';

const refused = (dir: string) => (error: NodeJS.ErrnoException) => {
  throw error.code === 'EACCES' || error.code === 'EPERM'
    ? new TsflannelError('NOT_ROOT', { detail: `write ${dir}` })
    : new TsflannelError('FILE_FAILED', { file: dir, detail: error.message }, error);
};

/** Makes the folder and those above it. Rejects with NOT_ROOT or FILE_FAILED. */
export async function folder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true }).catch(refused(dir));
}

/** The same for a folder that nobody else may look into (0700). */
export async function closedFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch(refused(dir));
  await chmod(dir, 0o700).catch(refused(dir));
}
