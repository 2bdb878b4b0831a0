import { TsflannelError } from '../../../errors.ts';
import { readHealth } from '../../../etcd/care.ts';
import { alarmData, alarmLines } from '../../../etcd/health.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { etcdFlags } from '../../../output/flags.ts';
import { listFlag } from '../../../output/format.ts';

export default class EtcdAlarmList extends TsflannelCommand {
  static override description =
    'Show the alarms of the etcd members, and what to do about each. Exits 8 when there is one.';
  static override examples = ['<%= config.bin %> etcd alarm list'];
  static override flags = { ...etcdFlags, ...listFlag };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdAlarmList);
    const { careParts } = await import('../../../host/care.ts');
    const health = await readHealth(await careParts(flags));
    if (!health.alarms) throw new TsflannelError('ETCD_NO_QUORUM', { detail: 'alarms are kept by the majority' });
    const lines = alarmLines(health);
    return {
      data: { alarms: alarmData(health) },
      list: 'alarms',
      text: lines.length === 0 ? 'no alarm' : lines.join('\n'),
      exit: lines.length === 0 ? 0 : 8,
    };
  }
}
