import { TsflannelError } from '../errors.ts';
import { type NetworkConfig, parseNetworkConfig } from '../model/network-config.ts';
import type { KeyValue } from './kv.ts';

/** The network config in a snapshot of everything under the prefix. Throws CONFIG_MISSING or CONFIG_INVALID. */
export function networkIn(kvs: readonly KeyValue[], prefix: string): NetworkConfig {
  const key = `${prefix}/config`;
  const entry = kvs.find((kv) => kv.key === key);
  if (!entry) throw new TsflannelError('CONFIG_MISSING', { key });
  const parsed = parseNetworkConfig(entry.value);
  if (parsed.ok) return parsed.value;
  const { where, detail } = parsed.rejection;
  throw new TsflannelError('CONFIG_INVALID', { where, detail });
}
