import { Flags } from '@oclif/core';
import { TsflannelError } from '../errors.ts';
import { parseDuration } from '../model/duration.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { lookFlags } from '../output/look-flags.ts';

export default class Wait extends TsflannelCommand {
  static override description =
    'Wait until this node is ready, holds its lease, reaches its peers, or until etcd answers: for scripts and services that need the\n' +
    'network. Exit status 0, or 75 when the time is over.';
  static override examples = [
    '<%= config.bin %> wait',
    '<%= config.bin %> wait --for etcd --timeout 2m',
    '<%= config.bin %> wait --for ready --for peers=2',
    '<%= config.bin %> wait --for route=10.5.7.0/24 --timeout 30s',
  ];
  static override flags = {
    ...lookFlags,
    for: Flags.string({
      description: 'ready, lease, etcd, peers=N or route=CIDR; may be given again: all of them',
      multiple: true,
      default: ['ready'],
    }),
    timeout: Flags.string({ description: 'give up after this time, as in 90s or 5m', default: '60s' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Wait);
    const seconds = parseDuration(flags.timeout);
    if (seconds === undefined)
      throw new TsflannelError('USAGE', { detail: `--timeout ${flags.timeout}: as in 90s or 5m` });
    const { waitFor } = await import('../host/wait.ts');
    const ms = await waitFor(flags, flags.for, seconds);
    return {
      data: { waitedMs: ms, for: flags.for },
      text: `${flags.for.join(', ')}: yes, after ${(ms / 1000).toFixed(1)} s`,
    };
  }
}
