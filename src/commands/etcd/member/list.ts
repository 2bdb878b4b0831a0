import { clusterData, MEMBER_HEADS, memberCells, readCluster } from '../../../etcd/members.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { etcdFlags } from '../../../output/flags.ts';
import { listFlag } from '../../../output/format.ts';
import { table } from '../../../output/table.ts';

export default class EtcdMemberList extends TsflannelCommand {
  static override description = 'Show the members of the etcd cluster. Exits 0 however they are; etcd status judges.';
  static override examples = ['<%= config.bin %> etcd member list'];
  static override flags = { ...etcdFlags, ...listFlag };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdMemberList);
    const { careParts } = await import('../../../host/care.ts');
    const { openKv, kv } = await careParts(flags);
    const cluster = await readCluster(openKv, kv);
    return { data: clusterData(cluster), text: table(MEMBER_HEADS, memberCells(cluster)), list: 'members' };
  }
}
