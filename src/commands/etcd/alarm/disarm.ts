import { Flags } from '@oclif/core';
import { disarm } from '../../../etcd/care.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../../output/flags.ts';

export default class EtcdAlarmDisarm extends TsflannelCommand {
  static override summary = 'Disarm the alarms, so that etcd takes writes again.';
  static override description =
    'Disarm the alarms, so that etcd takes writes again. Make room first (etcd compact, etcd defrag), or it comes back at once.';
  static override examples = [
    '<%= config.bin %> etcd compact && <%= config.bin %> etcd defrag && <%= config.bin %> etcd alarm disarm',
  ];
  static override flags = {
    ...etcdFlags,
    ...dryRunFlag,
    force: Flags.boolean({ description: 'an alarm about corrupt data too' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdAlarmDisarm);
    const { careParts } = await import('../../../host/care.ts');
    const dryRun = flags['dry-run'];
    const alarms = await disarm(await careParts(flags), { force: flags.force, dryRun });
    const disarmed = alarms.map(({ memberId, kind }) => ({ member: memberId.toString(16), kind }));
    const done = dryRun ? 'dry run: disarms' : 'disarmed';
    const text = disarmed.map(({ member, kind }) => `${done} ${kind} of ${member}`).join('\n');
    return { data: { changed: disarmed.length > 0, dryRun, disarmed }, text: text || 'no change: there is no alarm' };
  }
}
