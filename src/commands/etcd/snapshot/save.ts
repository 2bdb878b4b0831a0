import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { size } from '../../../etcd/members.ts';
import { saveSnapshot } from '../../../etcd/snapshot.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { etcdFlags } from '../../../output/flags.ts';

export default class EtcdSnapshotSave extends TsflannelCommand {
  static override summary = 'Save all of etcd into a file.';
  static override description =
    'Save all of etcd into a file, as etcdctl snapshot save does: streamed from one member, checked by its sha256, readable by root only.';
  static override examples = ['<%= config.bin %> etcd snapshot save /var/backups/etcd.db'];
  static override args = { file: Args.string({ description: 'file to write', required: true }) };
  static override flags = {
    ...etcdFlags,
    force: Flags.boolean({ description: 'write over a file that is there' }),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdSnapshotSave);
    const { careParts } = await import('../../../host/care.ts');
    const saved = await saveSnapshot(await careParts(flags), resolve(args.file), flags.force);
    const { file, bytes, revision } = saved;
    return { data: { ...saved }, text: `${file}: ${size(BigInt(bytes))}, revision ${revision}, sha256 verified` };
  }
}
