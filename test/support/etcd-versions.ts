/** The etcds that tests run: 3.4 is Debian's, the others scripts/etcd/build has made. */
import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Absolute path of an etcd of this series. Throws where it was not built. */
export function etcdOf(series: '3.4' | '3.5' | '3.6'): string {
  const file = series === '3.4' ? '/usr/bin/etcd' : join(ROOT, '.cache', `etcd-${series}`, 'etcd');
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch (error) {
    throw new Error(`there is no etcd ${series}: run scripts/etcd/build`, { cause: error });
  }
}
