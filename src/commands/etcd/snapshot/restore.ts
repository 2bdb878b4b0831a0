import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { printCluster } from '../../../etcd/cluster.ts';
import { memberPaths } from '../../../etcd/paths.ts';
import { prepareRestore, restore } from '../../../etcd/restore.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { confirm } from '../../../output/confirm.ts';
import { yesFlag } from '../../../output/member-change-flags.ts';
import { memberDirFlags } from '../../../output/member-flags.ts';

export default class EtcdSnapshotRestore extends TsflannelCommand {
  static override summary = 'Make the data of this host\u2019s stopped member anew out of a snapshot.';
  static override description =
    'Make the data of this host\u2019s stopped member anew out of a snapshot, by etcdutl or etcdctl. What was there is put aside.\n' +
    'A restored cluster is a new one: restore the same file on each host that was in it, then run tsflannel init on each.\n' +
    'On a host that has nothing left, run the init of then first, and tsflannel etcd stop.';
  static override examples = [
    '<%= config.bin %> etcd stop && <%= config.bin %> etcd snapshot restore /var/backups/etcd.db && <%= config.bin %> init',
    '<%= config.bin %> etcd snapshot restore /var/backups/etcd.db --alone --yes',
  ];
  static override args = { file: Args.string({ description: 'file of etcd snapshot save', required: true }) };
  static override flags = {
    alone: Flags.boolean({ description: 'make a cluster of this host only; others come in by etcd member add' }),
    'dry-run': Flags.boolean({ default: false, description: 'check the file and the member, change nothing' }),
    ...yesFlag,
    ...memberDirFlags,
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdSnapshotRestore);
    const { alone } = flags;
    const options = { file: resolve(args.file), alone, path: process.env.PATH ?? '', ...(await memberPaths(flags)) };
    const plan = await prepareRestore(options);
    const { dataDir, sha256 } = plan;
    const cluster = printCluster(plan.cluster);
    const data = { dataDir, sha256, cluster, dryRun: flags['dry-run'] };
    if (flags['dry-run']) return { data, text: `${dataDir} would be made anew from ${plan.file}, for ${cluster}` };
    await confirm(`${dataDir} is made anew from ${plan.file}; what etcd holds now is put aside`, flags.yes);
    const kept = await restore(plan);
    const lines = [
      `${dataDir} is restored, for ${cluster}`,
      ...(kept === undefined ? [] : [`what was there is in ${kept}`]),
      plan.cluster.length > 1 ? 'next, when all hosts of it are restored: tsflannel init' : 'next: tsflannel init',
    ];
    return { data: { ...data, kept: kept ?? null }, text: lines.join('\n') };
  }
}
