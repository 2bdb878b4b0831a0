import { Args, Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../output/flags.ts';

export default class LeasesReserve extends TsflannelCommand {
  static override description =
    'Keep a subnet for one node: a lease without end, which no other node takes. The node has it from its next start on.';
  static override aliases = ['leases:pin'];
  static override examples = [
    '<%= config.bin %> leases reserve 10.5.7.0/24 --node n7',
    '<%= config.bin %> leases pin 10.5.7.0/24 --public-ip 10.0.0.7',
  ];
  static override args = {
    subnet: Args.string({ description: 'the subnet to keep, as 10.5.7.0/24', required: true }),
  };
  static override flags = {
    ...etcdFlags,
    ...dryRunFlag,
    node: Flags.string({
      description: 'node name, or the beginning of a node id, as leases shows it; a whole id with --public-ip',
    }),
    'public-ip': Flags.string({
      description: "the node's public address: for a node that holds no lease yet, or runs flanneld",
    }),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(LeasesReserve);
    const { reserveSubnet } = await import('../../host/leases.ts');
    const dryRun = flags['dry-run'];
    const wish = { node: flags.node, publicIp: flags['public-ip'], dryRun };
    const changed = await reserveSubnet(flags, args.subnet, wish);
    const who = flags.node ?? flags['public-ip'];
    const text = changed
      ? `${args.subnet} ${dryRun ? 'would be' : 'is'} kept for ${who}.`
      : `No change: ${args.subnet} is reserved already.`;
    return { data: { changed, dryRun, subnet: args.subnet }, text };
  }
}
