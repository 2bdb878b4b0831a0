import { join } from 'node:path';
import { type GatewayMode, parseGatewayMode } from '../model/lease.ts';
import { field, parseJsonObject } from '../model/parsed.ts';
import { readIfThere, removeFile, writeFileAtomic } from './atomic.ts';

const gatewayPath = (stateDir: string): string => join(stateDir, 'gateway.json');

/** How this node lets hosts from outside in (`<state-dir>/gateway.json`); `undefined`: it does not. */
export async function readGateway(stateDir: string): Promise<GatewayMode | undefined> {
  const text = await readIfThere(gatewayPath(stateDir));
  const json = text === undefined ? undefined : parseJsonObject(text, 'gateway.json');
  return json?.ok ? parseGatewayMode(field(json.value, 'mode')) : undefined;
}

/** Remembers it, also over `down` and `up`. */
export async function writeGateway(stateDir: string, mode: GatewayMode | undefined): Promise<void> {
  if (mode === undefined) await removeFile(gatewayPath(stateDir));
  else await writeFileAtomic(gatewayPath(stateDir), `${JSON.stringify({ mode }, null, 2)}\n`, 0o600);
}
