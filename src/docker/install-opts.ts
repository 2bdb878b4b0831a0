import { join, resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { packageRoot } from '../root.ts';

const MARK = '# Written by tsflannel docker opts --install: takes the flags of mk-docker-opts.sh.';

/** For sh, within single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A mk-docker-opts.sh for units and scripts that call one. Rejects with FILE_TAKEN for a file that is not ours, FILE_FAILED. */
export async function installOpts(path: string): Promise<void> {
  const file = resolve(path);
  const former = await readIfThere(file);
  if (former !== undefined && !former.includes(MARK)) throw new TsflannelError('FILE_TAKEN', { file });
  const program = join(packageRoot(), 'bin', 'tsflannel');
  await writeFileAtomic(file, `#!/bin/sh\n${MARK}\nexec ${quoted(program)} docker opts "$@"\n`, 0o755);
}
