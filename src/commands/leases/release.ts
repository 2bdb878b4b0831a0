import { Args, Flags } from '@oclif/core';
import { TsflannelError } from '../../errors.ts';
import { canAsk, openAsk } from '../../output/ask.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../output/flags.ts';

export default class LeasesRelease extends TsflannelCommand {
  static override description =
    'Give back the lease of a node that is gone, or a reservation. A node that still runs takes its subnet again: use down there.';
  static override examples = [
    '<%= config.bin %> leases release 10.5.7.0/24',
    '<%= config.bin %> leases release --dead --yes',
    '<%= config.bin %> leases release --dead --older-than 2h',
  ];
  static override args = { subnet: Args.string({ description: 'the subnet to give back, as 10.5.7.0/24' }) };
  static override flags = {
    ...etcdFlags,
    ...dryRunFlag,
    dead: Flags.boolean({
      description: 'all leases not renewed for more than half of their time; never a reservation',
      exclusive: ['subnet'],
    }),
    'older-than': Flags.string({
      description: "with --dead: not renewed for longer than this, flanneld's too (it renews once a day)",
      dependsOn: ['dead'],
    }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask', env: 'TSFLANNEL_YES' }),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(LeasesRelease);
    const { releaseLeases } = await import('../../host/leases.ts');
    const dryRun = flags['dry-run'];
    const wish = { subnet: args.subnet, dead: flags.dead, olderThan: flags['older-than'], dryRun };
    const { released, kept } = await releaseLeases(flags, wish, async (leases) => {
      if (!flags.yes) await confirmed(leases);
    });
    const lines = [
      ...released.map((subnet) => `${subnet} ${dryRun ? 'would be' : 'is'} free`),
      ...kept.map((subnet) => `${subnet} has changed meanwhile and was left`),
    ];
    const none = `No change: ${args.subnet === undefined ? 'no lease is dead' : `nobody leases ${args.subnet}`}.`;
    const data = { changed: released.length > 0, dryRun, released, kept };
    return { data, text: lines.length > 0 ? lines.join('\n') : none };
  }
}

async function confirmed(leases: readonly string[]): Promise<void> {
  const detail = `this gives back ${leases.join(', ')}`;
  if (!canAsk()) throw new TsflannelError('NEEDS_CONFIRMATION', { detail });
  const ask = await openAsk();
  if (!(await ask.confirm(`${detail}. Go on?`, false))) throw new TsflannelError('ABORTED');
}
