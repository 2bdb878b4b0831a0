import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function find(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('package.json of tsflannel not found');
  return find(parent);
}

/** Folder of the package: the same from src/ and from the bundle in dist/. */
export const packageRoot = (): string => find(dirname(fileURLToPath(import.meta.url)));

/** A module that is started as a worker or program of its own: built file beside the bundle, source file when running from source. */
export function entryFile(name: string): URL {
  const built = import.meta.url.includes('/dist/');
  return new URL(`file://${join(packageRoot(), built ? 'dist' : 'src', `${name}.${built ? 'js' : 'ts'}`)}`);
}
