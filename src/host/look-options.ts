import type { EtcdFlags } from '../output/flags.ts';
import { resolveConnection } from './connection.ts';
import type { LookOptions } from './look.ts';
import { carrierWish, flagIp } from './node.ts';

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

/** Those flags, parsed. Throws USAGE. */
export async function lookOptions(flags: LookFlags): Promise<LookOptions> {
  const publicIp = flagIp('public-ip', flags['public-ip']);
  return {
    connection: await resolveConnection(flags),
    stateDir: flags['state-dir'],
    runDir: flags['run-dir'],
    wish: {
      interface: { iface: flags.iface ?? [], ifaceRegex: [] },
      ipMasq: flags['ip-masq'] ?? false,
      ...carrierWish(flags),
      subnetFile: flags['subnet-file'],
      ...(publicIp && { publicIp }),
    },
  };
}
