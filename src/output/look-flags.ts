import { Flags } from '@oclif/core';
import { CARRIER_WISHES } from '../model/backend-config.ts';
import { etcdFlags, nodeFlags, subnetFileFlag } from './flags.ts';

/** Flags of the commands that look at a node with or without a daemon. */
export const lookFlags = {
  ...etcdFlags,
  ...nodeFlags,
  ...subnetFileFlag,
  iface: Flags.string({
    description: 'underlay interface, where no daemon runs',
    multiple: true,
    env: 'TSFLANNEL_IFACE',
  }),
  'public-ip': Flags.string({
    description: "this node's public address, where no daemon runs",
    env: 'TSFLANNEL_PUBLIC_IP',
  }),
  'ip-masq': Flags.boolean({
    description: 'as given to up, where no daemon runs',
    allowNo: true,
    env: 'TSFLANNEL_IP_MASQ',
  }),
  'udp-carrier': Flags.string({
    description: 'as given to up, where no daemon runs',
    options: [...CARRIER_WISHES],
    env: 'TSFLANNEL_UDP_CARRIER',
  }),
};

/** For `--watch`. */
export const watchFlag = { watch: Flags.boolean({ char: 'w', description: 'follow live until Ctrl-C' }) };
