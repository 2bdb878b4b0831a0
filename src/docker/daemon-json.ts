import { TsflannelError } from '../errors.ts';
import { parseJsonObject } from '../model/parsed.ts';
import { DIRECT_ROUTING_KEY } from './direct-routing.ts';
import type { DockerOptions } from './options.ts';

export type DaemonJson = Readonly<Record<string, unknown>>;

/** dockerd's own default. */
export const DAEMON_JSON = '/etc/docker/daemon.json';

/** The options that are ours, by the name they have as flag and in daemon.json. */
export const NETWORK_KEYS = ['bip', 'mtu', 'ip-masq'] as const;
/** With the one that only newer dockerds know. */
export const OUR_KEYS = [...NETWORK_KEYS, DIRECT_ROUTING_KEY] as const;
export type OurKey = (typeof OUR_KEYS)[number];

/** A value as daemon.json has it; `undefined`: the option is not set. */
export type Value = string | number | boolean | undefined;

/** Their values for these options. */
export const valuesOf = ({ bip, mtu, ipMasq, directRouting }: DockerOptions): Readonly<Record<OurKey, Value>> => ({
  bip,
  mtu,
  'ip-masq': ipMasq,
  [DIRECT_ROUTING_KEY]: directRouting === 'option' ? true : undefined,
});

/** The file's object; no file, or an empty one, is an empty object (as for dockerd). Throws DOCKER_CONFIG. */
export function parseDaemonJson(text: string | undefined, where: string): DaemonJson {
  if (text === undefined || text.trim() === '') return {};
  const parsed = parseJsonObject(text, where, 1024 * 1024);
  if (parsed.ok) return parsed.value;
  throw new TsflannelError('DOCKER_CONFIG', { detail: `${where} is not a JSON object: ${parsed.rejection.detail}` });
}

/** Exactly this key: dockerd refuses names that differ in case. */
export const configValue = (config: DaemonJson, name: string): unknown =>
  Object.hasOwn(config, name) ? config[name] : undefined;

/** The key's text; dockerd itself refuses other types. */
export const stringOf = (config: DaemonJson, name: string): string | undefined => {
  const value = configValue(config, name);
  return typeof value === 'string' ? value : undefined;
};

/** The indent the file was written with; two spaces for a new one. */
const indentOf = (text: string | undefined): string => /^\{\s*?\n([ \t]+)"/.exec(text?.trimStart() ?? '')?.[1] ?? '  ';

/** The file with these keys set, or with `undefined` left out; everything else stays, in its order. */
export function mergeDaemonJson(
  text: string | undefined,
  where: string,
  values: Readonly<Record<string, Value>>,
): string {
  const former = parseDaemonJson(text, where);
  const merged: Record<string, unknown> = { ...former };
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) delete merged[key];
    else merged[key] = value;
  }
  return `${JSON.stringify(merged, null, indentOf(text))}\n`;
}
