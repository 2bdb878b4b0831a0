import { printPrefix } from '../model/address.ts';
import { stringify } from '../model/json.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { field, parseJsonObject } from '../model/parsed.ts';
import type { Check } from '../model/report.ts';
import type { ConfigEntry } from '../store/view.ts';

const degraded = (detail: string): Check => ({ name: 'config', state: 'degraded', detail });

/** flanneld's default is udp, which surprises those who read that it is vxlan: said aloud where the config names none. */
function backendText(raw: string, { backend }: NetworkConfig): string {
  const json = parseJsonObject(raw, 'config');
  const named = json.ok && field(json.value, 'Backend') !== undefined;
  return named ? backend.type : `${backend.type} (default: the config names none)`;
}

/** What `status` says of the config in etcd beside the one this node runs with, which a change does not touch before its next start. */
export function configCheck(entry: ConfigEntry | undefined, running: NetworkConfig): Check {
  if (!entry) return degraded('gone from etcd: this node keeps to what it has, others cannot start');
  const { parsed, raw } = entry;
  if (!parsed.ok) return degraded(`not valid in etcd: ${parsed.rejection.where}: ${parsed.rejection.detail}`);
  const changed = stringify(parsed.value) !== stringify(running);
  const text = `${printPrefix(running.network)}, ${backendText(raw, running)}`;
  const detail = changed ? `warning: ${text}; changed in etcd, which this node follows at its next start` : text;
  return { name: 'config', state: 'ok', detail };
}
