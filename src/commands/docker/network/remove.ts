import { Args } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { networkFlags } from '../../../output/docker-flags.ts';
import { networkText } from '../../../output/docker-text.ts';

export default class DockerNetworkRemove extends TsflannelCommand {
  static override summary = 'Remove a network that docker network create has made.';
  static override description =
    'Networks of others are left alone (docker network rm), as is one with containers on it. One that is gone already is fine.';
  static override examples = [
    '<%= config.bin %> docker network remove web',
    '<%= config.bin %> docker network remove web --dry-run',
  ];
  static override args = { name: Args.string({ description: 'name of the network', required: true }) };
  static override flags = networkFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(DockerNetworkRemove);
    const { dropNetwork } = await import('../../../host/docker.ts');
    const outcome = await dropNetwork(flags, args.name);
    const text = networkText(outcome, flags['dry-run'], `network ${outcome.name} is removed`);
    return { data: { ...outcome, dryRun: flags['dry-run'] }, text };
  }
}
