/**
 * Builds the eBPF programs: bpf/layout.h of src/forwarder/ebpf/layout.ts, then bpf/carrier.o of bpf/carrier.c. Usage: npm run bpf. The
 * object is committed and shipped, since users have no clang; a test builds it again and compares. Needs clang and libbpf-dev.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layoutHeader } from '../src/forwarder/ebpf/layout.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const HEADER = join(root, 'bpf/layout.h');
export const OBJECT = join(root, 'bpf/carrier.o');

/** Headers of the machine's own architecture: <linux/types.h> includes them, and what BPF sees of them is the same on all. */
const multiarch = (): string => execFileSync('clang', ['-print-multiarch'], { encoding: 'utf8' }).trim();

/** No -g: the object then holds neither paths nor anything else of the machine it was made on. */
const FLAGS = ['-target', 'bpf', '-mcpu=v3', '-O2', '-Wall', '-Wextra', '-Werror'];

/** Compiles bpf/carrier.c into this file. */
export function compile(object: string): void {
  const include = ['-idirafter', `/usr/include/${multiarch()}`];
  execFileSync('clang', [...FLAGS, ...include, '-c', 'carrier.c', '-o', object], {
    cwd: join(root, 'bpf'),
    stdio: 'inherit',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(HEADER, layoutHeader());
  compile(OBJECT);
  console.log(`built bpf/carrier.o, ${readFileSync(OBJECT).length} bytes`);
}
