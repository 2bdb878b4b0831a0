import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TsflannelError } from '../../errors.ts';
import { packageRoot } from '../../root.ts';
import { type BpfObject, parseBpfObject } from './elf.ts';

/** The programs that come with this package (bpf/carrier.c). Throws KERNEL_REFUSED where the file is missing or damaged. */
export function readPrograms(): BpfObject {
  const path = join(packageRoot(), 'bpf/carrier.o');
  const refusal = (why: string) => new TsflannelError('KERNEL_REFUSED', { detail: `reading ${path}`, why });
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    throw refusal((error as Error).message);
  }
  const parsed = parseBpfObject(file);
  if (!parsed.ok) throw refusal(parsed.rejection.detail);
  return parsed.value;
}
