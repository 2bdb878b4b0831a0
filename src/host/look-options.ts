import type { EtcdFlags } from '../output/flags.ts';
import { resolveConnection } from './connection.ts';
import type { LookOptions } from './look.ts';
import { carrierWish, flagIp, flagList } from './node.ts';

/** Flags of the looking commands. */
export interface LookFlags extends EtcdFlags {
  readonly 'state-dir': string;
  readonly 'run-dir': string;
  readonly 'subnet-file': string;
  readonly iface?: readonly string[] | undefined;
  readonly 'public-ip'?: string | undefined;
  readonly 'ip-masq'?: boolean | undefined;
  readonly 'udp-carrier'?: string | undefined;
}

/** Those that say nothing of etcd. Throws USAGE. */
export function placeOptions(flags: LookFlags): Omit<LookOptions, 'connection'> {
  const publicIp = flagIp('public-ip', flags['public-ip']);
  return {
    stateDir: flags['state-dir'],
    runDir: flags['run-dir'],
    wish: {
      interface: { iface: flagList(flags.iface), ifaceRegex: [] },
      ipMasq: flags['ip-masq'] ?? false,
      ...carrierWish(flags),
      subnetFile: flags['subnet-file'],
      ...(publicIp && { publicIp }),
    },
  };
}

/** Those flags, parsed. Throws USAGE. */
export const lookOptions = async (flags: LookFlags): Promise<LookOptions> => ({
  ...placeOptions(flags),
  connection: await resolveConnection(flags),
});
