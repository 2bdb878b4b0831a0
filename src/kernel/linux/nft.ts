/** nft as a program: transactions in, its JSON out. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Prefix, parseIp4, prefixOf } from '../../model/address.ts';
import { type ToolResult, tryTool } from './tool.ts';

/** Linux takes arguments of at most 128 KiB each. */
const ARGUMENT_MAX = 100_000;

/**
 * Hands nft a transaction. It reads none from a socket, which is what a child's stdin is; a short one is an argument, a long one a file.
 * `started` is told its pid. Throws as tryTool.
 */
export async function tryNft(
  text: string,
  flags: readonly string[] = [],
  started?: (pid: number) => void,
): Promise<ToolResult> {
  if (text.length < ARGUMENT_MAX) return tryTool('nft', [...flags, text], { started });
  const folder = await mkdtemp(join(tmpdir(), 'tsflannel-nft-'));
  try {
    const path = join(folder, 'transaction');
    await writeFile(path, text, { mode: 0o600 });
    return await tryTool('nft', [...flags, '-f', path], { started });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Why nft refused, on one line. */
export const refusalIn = ({ exitCode, stderr }: ToolResult): string | undefined =>
  exitCode === 0 ? undefined : `nft: ${stderr.trim().replace(/\s+/g, ' ') || `exit status ${exitCode}`}`;

export type Json = Readonly<Record<string, unknown>>;
export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is at this path; undefined where it ends before. */
export const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isJson(inner) ? inner[key] : undefined), value);

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A prefix as nft writes one: a /32 is a plain address. */
export function prefixFrom(value: unknown): Prefix | undefined {
  const text = typeof value === 'string' ? value : at(value, 'prefix', 'addr');
  const length = typeof value === 'string' ? 32 : at(value, 'prefix', 'len');
  const ip = typeof text === 'string' ? parseIp4(text) : undefined;
  return ip && typeof length === 'number' && length <= 32 ? prefixOf(ip, length) : undefined;
}
