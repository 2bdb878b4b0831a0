import { Flags } from '@oclif/core';
import { defragment } from '../../etcd/care.ts';
import { size } from '../../etcd/members.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../output/flags.ts';
import { table } from '../../output/table.ts';

export default class EtcdDefrag extends TsflannelCommand {
  static override summary = 'Give the free space of the databases back, one member after the other.';
  static override description =
    'Give the free space of the members\u2019 databases back to the file system, one member after the other, the leader last.\n' +
    'A member answers nobody while it is defragmented; a cluster of one is away for that time.';
  static override examples = ['<%= config.bin %> etcd defrag', '<%= config.bin %> etcd defrag --member node-2'];
  static override flags = {
    ...etcdFlags,
    ...dryRunFlag,
    member: Flags.string({ description: 'only the member of this name' }),
    force: Flags.boolean({ description: 'although another member is not healthy' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdDefrag);
    const { careParts } = await import('../../host/care.ts');
    const only = flags.member === undefined ? {} : { only: flags.member };
    const dryRun = flags['dry-run'];
    const members = await defragment(await careParts(flags), { ...only, force: flags.force, dryRun });
    const cells = members.map(({ name, before, after }) => [name, size(before), size(after)]);
    const text = table(['member', 'before', dryRun ? 'in use' : 'after'], cells);
    return { data: { members, dryRun }, text: dryRun ? `dry run: in this order\n${text}` : text };
  }
}
