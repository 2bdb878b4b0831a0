import { readHealth } from '../../etcd/care.ts';
import {
  alarmLines,
  certLines,
  clockLines,
  HEALTH_HEADS,
  healthCells,
  healthData,
  troubleLines,
} from '../../etcd/health.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';
import { table } from '../../output/table.ts';

/** Exit status when some member is not healthy, or an alarm is on. */
const DEGRADED = 8;

export default class EtcdStatus extends TsflannelCommand {
  static override summary = 'Show the members of the etcd cluster and how well they are.';
  static override description =
    'Show the members of the etcd cluster, its leader, the size of each database, how far each lags behind, when certificates end, who may\n' +
    'sign new ones, and alarms. A \u201c-\u201d below signs: no join service answers there, or it cannot be seen from here.\n' +
    'Exits 0 when all are healthy, 8 when some are not or an alarm is on, 69 when none answers.';
  static override examples = ['<%= config.bin %> etcd status', '<%= config.bin %> etcd status --json'];
  static override flags = etcdFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdStatus);
    const { careParts, certsOf } = await import('../../host/care.ts');
    const parts = await careParts(flags);
    const health = await readHealth(parts);
    const certs = await certsOf(flags, health, parts);
    const lines = [
      ...troubleLines(health),
      ...clockLines(health, certs),
      ...certLines(health, certs),
      ...alarmLines(health),
    ];
    return {
      data: healthData(health, certs),
      text: [table(HEALTH_HEADS, healthCells(health, certs)), ...lines].join('\n'),
      exit: health.healthy ? 0 : DEGRADED,
    };
  }
}
