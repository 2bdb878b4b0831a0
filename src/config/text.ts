import { printIp, printPrefix } from '../model/address.ts';
import { type NetworkConfig, subnetCount } from '../model/network-config.ts';

/** A config for people: what it means, not how it is written. */
export function configText(config: NetworkConfig): string {
  const { type, ...options } = config.backend;
  const backend = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  return [
    `network   ${printPrefix(config.network)}`,
    `subnets   ${subnetCount(config)} of /${config.subnetLength}, ${printIp(config.subnetMin)} to ${printIp(config.subnetMax)}`,
    `backend   ${type}${backend.length > 0 ? ` (${backend.join(', ')})` : ''}`,
  ].join('\n');
}

/** A config as data, defaults filled in. */
export const configData = (config: NetworkConfig) => ({
  network: printPrefix(config.network),
  subnetLength: config.subnetLength,
  subnetMin: printIp(config.subnetMin),
  subnetMax: printIp(config.subnetMax),
  subnets: subnetCount(config),
  backend: config.backend,
});
