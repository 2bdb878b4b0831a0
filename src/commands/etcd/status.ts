import { readHealth } from '../../etcd/care.ts';
import { alarmLines, HEALTH_HEADS, healthCells, healthData } from '../../etcd/health.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';
import { table } from '../../output/table.ts';

/** Exit status when some member is not healthy, or an alarm is on. */
const DEGRADED = 8;

export default class EtcdStatus extends TsflannelCommand {
  static override summary = 'Show the members of the etcd cluster and how well they are.';
  static override description =
    'Show the members of the etcd cluster, its leader, the size of each database, how far each lags behind, and alarms.\n' +
    'Exits 0 when all are healthy, 8 when some are not or an alarm is on, 69 when none answers.';
  static override examples = ['<%= config.bin %> etcd status', '<%= config.bin %> etcd status --json'];
  static override flags = etcdFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdStatus);
    const { careParts } = await import('../../host/care.ts');
    const health = await readHealth(await careParts(flags));
    return {
      data: healthData(health),
      text: [table(HEALTH_HEADS, healthCells(health)), ...alarmLines(health)].join('\n'),
      exit: health.healthy ? 0 : DEGRADED,
    };
  }
}
