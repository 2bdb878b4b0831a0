import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { listFlag } from '../../output/format.ts';
import { table } from '../../output/table.ts';

export default class LabStatus extends TsflannelCommand {
  static override description =
    'Show the nodes of a lab. Exit status: 0 all well, 8 something is not, 3 there is no such lab.';
  static override examples = ['<%= config.bin %> lab status', '<%= config.bin %> lab status --json'];
  static override flags = { ...listFlag, name: Flags.string({ description: 'name of the lab', default: 'lab' }) };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(LabStatus);
    const { labStatus, labsDir, readLab } = await import('../../lab/index.ts');
    const lab = await readLab(flags.name, labsDir());
    const nodes = await labStatus(lab);
    const well = nodes.every(({ etcd, daemon, docker }) =>
      [etcd, daemon, docker].every((part) => /^(ok|none)$/.test(part)),
    );
    const rows = nodes.map((node) => [
      ...[node.name, node.namespace, node.ip, node.subnet ?? '-'],
      ...[node.etcd, node.daemon, node.docker].map((part) => (part === 'none' ? '-' : part)),
    ]);
    const { name, backend, network } = lab.spec;
    const text = [
      `lab ${name}: ${backend}, ${network}${lab.phase === 'up' ? '' : '; its "lab up" has not finished'}`,
      table(['node', 'namespace', 'underlay', 'subnet', 'etcd', 'daemon', 'docker'], rows),
    ].join('\n');
    return { data: { lab, nodes, well }, list: 'nodes', text, exit: well ? 0 : 8 };
  }
}
