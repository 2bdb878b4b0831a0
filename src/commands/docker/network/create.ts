import { Args, Flags } from '@oclif/core';
import { TsflannelError } from '../../../errors.ts';
import { parsePrefix } from '../../../model/address.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { networkFlags } from '../../../output/docker-flags.ts';
import { networkText } from '../../../output/docker-text.ts';

export default class DockerNetworkCreate extends TsflannelCommand {
  static override summary = 'Make a Docker network in a part of the leased subnet, reachable from all nodes.';
  static override description =
    'Takes a part that neither docker0 nor another network has, with the MTU of the overlay. docker0 has all of the lease unless\n' +
    'docker apply was told --docker0-length. Where a network of this name fits already, nothing is changed.';
  static override examples = [
    '<%= config.bin %> docker network create web',
    '<%= config.bin %> docker network create web --length 26',
    '<%= config.bin %> docker network create web --subnet 172.17.57.192/26 --dry-run',
  ];
  static override args = { name: Args.string({ description: 'name of the network', required: true }) };
  static override flags = {
    ...networkFlags,
    subnet: Flags.string({ description: 'this part of the leased subnet', exclusive: ['length'] }),
    length: Flags.integer({ description: 'a free part of this length (default: the largest)', min: 8, max: 29 }),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(DockerNetworkCreate);
    const subnet = flags.subnet === undefined ? undefined : parsePrefix(flags.subnet);
    if (flags.subnet !== undefined && subnet?.family !== 4)
      throw new TsflannelError('USAGE', {
        detail: `--subnet ${flags.subnet}: a subnet as 172.17.57.128/25 is expected`,
      });
    const { makeNetwork } = await import('../../../host/docker.ts');
    const outcome = await makeNetwork(flags, { name: args.name, subnet, length: flags.length });
    const done = `network ${outcome.name} has ${outcome.subnet}, mtu ${outcome.mtu}`;
    return { data: { ...outcome, dryRun: flags['dry-run'] }, text: networkText(outcome, flags['dry-run'], done) };
  }
}
