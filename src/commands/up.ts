import { Flags } from '@oclif/core';
import { canAsk, openAsk } from '../output/ask.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { etcdFlags, nodeFlags, subnetFileFlag } from '../output/flags.ts';

export default class Up extends TsflannelCommand {
  static override description =
    "Lease a subnet, write subnet.env and forward packets between the nodes (the daemon; flanneld's flags and variables work).";
  static override examples = [
    '<%= config.bin %> up',
    '<%= config.bin %> up --ip-masq --detach',
    '<%= config.bin %> up --etcd-endpoints http://10.0.0.1:2379 --iface eth1',
  ];
  static override flags = {
    ...etcdFlags,
    ...nodeFlags,
    ...subnetFileFlag,
    iface: Flags.string({
      description: 'underlay interface, by name or address; may be given several times, the first match is taken',
      multiple: true,
      env: 'TSFLANNEL_IFACE',
    }),
    'iface-regex': Flags.string({
      description: "pattern for the interface's name or address",
      multiple: true,
      env: 'TSFLANNEL_IFACE_REGEX',
    }),
    'iface-can-reach': Flags.string({
      description: 'take the interface of the route to this address',
      env: 'TSFLANNEL_IFACE_CAN_REACH',
    }),
    'public-ip': Flags.string({ description: 'address the other nodes reach this one at', env: 'TSFLANNEL_PUBLIC_IP' }),
    'ip-masq': Flags.boolean({
      description: 'masquerade what leaves the network',
      allowNo: true,
      env: 'TSFLANNEL_IP_MASQ',
    }),
    'subnet-lease-renew-margin': Flags.integer({
      description: 'minutes the lease always has left',
      default: 60,
      min: 1,
      max: 1439,
      env: 'TSFLANNEL_SUBNET_LEASE_RENEW_MARGIN',
    }),
    'healthz-ip': Flags.string({
      description: 'address of the health port',
      default: '0.0.0.0',
      env: 'TSFLANNEL_HEALTHZ_IP',
    }),
    'healthz-port': Flags.integer({
      description: 'port of /healthz and /readyz; 0: none',
      default: 0,
      min: 0,
      max: 65_535,
      env: 'TSFLANNEL_HEALTHZ_PORT',
    }),
    detach: Flags.boolean({ description: 'return when the node is ready; the daemon goes on in the background' }),
    timeout: Flags.integer({ description: 'seconds --detach waits', default: 60, min: 1 }),
    wait: Flags.boolean({
      description: 'wait for etcd and for a config instead of failing (default without a terminal)',
      allowNo: true,
    }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Up);
    const { startDetached, startHere } = await import('../host/up.ts');
    if (flags.detach) {
      const { status, log } = await startDetached(this.argv, flags);
      return {
        data: { ...status, log },
        text: `${status.subnet} is leased; the daemon runs (pid ${status.pid}, log ${log}).`,
      };
    }
    const ask = canAsk() ? await openAsk() : undefined;
    await startHere(
      flags,
      this.config.version,
      ask && ((names) => ask.choose('Which interface connects the nodes?', names)),
    );
    return { data: { stopped: true }, text: '' };
  }
}
