import { clusterData, MEMBER_HEADS, memberCells, readCluster } from '../../etcd/members.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';
import { table } from '../../output/table.ts';

/** Exit status when some member is not healthy. */
const DEGRADED = 8;

export default class EtcdStatus extends TsflannelCommand {
  static override description =
    'Show the members of the etcd cluster and its leader. Exits 0 when all are healthy, 8 when some are not, 69 when none answers.';
  static override examples = ['<%= config.bin %> etcd status', '<%= config.bin %> etcd status --json'];
  static override flags = etcdFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdStatus);
    const [{ openKv }, { resolveConnection }] = await Promise.all([
      import('../../host/kv.ts'),
      import('../../host/connection.ts'),
    ]);
    const { kv } = await resolveConnection(flags);
    const cluster = await readCluster(openKv, kv);
    const healthy = cluster.rows.every((row) => row.status === 'healthy');
    return {
      data: { healthy, ...clusterData(cluster) },
      text: table(MEMBER_HEADS, memberCells(cluster)),
      exit: healthy ? 0 : DEGRADED,
    };
  }
}
