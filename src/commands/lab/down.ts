import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';

export default class LabDown extends TsflannelCommand {
  static override description =
    'End a lab: its processes, namespaces, mounts and files. Safe to repeat, and after a lab up that failed or was killed.';
  static override examples = ['<%= config.bin %> lab down', '<%= config.bin %> lab down --name other'];
  static override flags = { name: Flags.string({ description: 'name of the lab', default: 'lab' }) };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(LabDown);
    const { labDown, labsDir } = await import('../../lab/index.ts');
    const removed = await labDown(flags.name, labsDir());
    const { processes, namespaces, mounts, files } = removed;
    const found = processes + namespaces + mounts > 0 || files;
    const text = found
      ? `lab ${flags.name} is gone (${processes} processes, ${namespaces} namespaces, ${mounts} mounts)`
      : `there is no lab ${flags.name}; nothing to do`;
    return { data: { name: flags.name, ...removed }, text };
  }
}
