import { Flags } from '@oclif/core';
import { disarm } from '../../../etcd/care.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { etcdFlags } from '../../../output/flags.ts';

export default class EtcdAlarmDisarm extends TsflannelCommand {
  static override summary = 'Disarm the alarms, so that etcd takes writes again.';
  static override description =
    'Disarm the alarms, so that etcd takes writes again. Make room first (etcd compact, etcd defrag), or it comes back at once.';
  static override examples = [
    '<%= config.bin %> etcd compact && <%= config.bin %> etcd defrag && <%= config.bin %> etcd alarm disarm',
  ];
  static override flags = {
    ...etcdFlags,
    force: Flags.boolean({ description: 'an alarm about corrupt data too' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdAlarmDisarm);
    const { careParts } = await import('../../../host/care.ts');
    const alarms = await disarm(await careParts(flags), flags.force);
    const disarmed = alarms.map(({ memberId, kind }) => ({ member: memberId.toString(16), kind }));
    const text = disarmed.map(({ member, kind }) => `disarmed ${kind} of ${member}`).join('\n');
    return { data: { changed: disarmed.length > 0, disarmed }, text: text || 'no change: there is no alarm' };
  }
}
