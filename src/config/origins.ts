import { printIp, printPrefix } from '../model/address.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { parseJsonObject, printable } from '../model/parsed.ts';
import type { ConfigEntry } from '../store/view.ts';

/** One setting that is in force, and where it comes from. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  /** `default`, `flag --X`, `environment X`, the path of a file, or `etcd REVISION`. */
  readonly origin: string;
}

/** As Go reads JSON: the case of a key does not count. */
const has = (json: unknown, name: string): boolean =>
  typeof json === 'object' &&
  json !== null &&
  Object.keys(json).some((key) => key.toLowerCase() === name.toLowerCase());

const valuesOf = ({ network, subnetLength, subnetMin, subnetMax }: NetworkConfig) => ({
  Network: printPrefix(network),
  SubnetLen: String(subnetLength),
  SubnetMin: printIp(subnetMin),
  SubnetMax: printIp(subnetMax),
});

const nested = (json: Readonly<Record<string, unknown>>): unknown =>
  Object.entries(json).find(([key]) => key.toLowerCase() === 'backend')?.[1];

/** What the network config in etcd says, and what it leaves to its defaults. */
export function networkSettings({ raw, modRevision, parsed }: ConfigEntry): readonly Setting[] {
  const etcd = `etcd, revision ${modRevision}`;
  if (!parsed.ok) return [{ name: 'network config', value: `not valid: ${parsed.rejection.detail}`, origin: etcd }];
  const json = parseJsonObject(raw, 'config');
  const top = json.ok ? json.value : {};
  const originOf = (part: unknown, name: string) => (has(part, name) ? etcd : 'default');
  return [
    ...Object.entries(valuesOf(parsed.value)).map(([name, value]) => ({ name, value, origin: originOf(top, name) })),
    ...Object.entries(parsed.value.backend).map(([name, value]) => ({
      name: `Backend.${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      value: printable(String(value)),
      origin: originOf(nested(top), name),
    })),
  ];
}
