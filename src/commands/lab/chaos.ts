import { Flags } from '@oclif/core';
import { chaosTable } from '../../output/chaos.ts';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';

const BACKENDS = ['udp', 'vxlan', 'host-gw'] as const;

export default class LabChaos extends TsflannelCommand {
  static override description =
    'Do to a lab what goes wrong in the field, under a flow of 1,000 packets a second between every two nodes, and tell what was lost. Exit status 7: a budget was exceeded.';
  static override examples = [
    '<%= config.bin %> lab chaos --list',
    '<%= config.bin %> lab chaos --backend vxlan --row 1 --row 16',
    '<%= config.bin %> lab chaos --backend udp --write docs/reliability.md',
    '<%= config.bin %> lab chaos --soak 20 --short --write docs/reliability.md',
    '<%= config.bin %> lab chaos --subject /usr/bin/flanneld --row 1',
  ];
  static override flags = {
    name: Flags.string({ description: 'name of the lab, which is made for this and removed', default: 'chaos' }),
    backend: Flags.option({ options: BACKENDS, description: 'how packets travel', default: 'vxlan' as const })(),
    carrier: Flags.option({
      options: ['ebpf', 'tun'] as const,
      description: 'what moves the packets of backend udp',
    })(),
    row: Flags.string({ description: 'only this row of the matrix, or fault by name (repeatable)', multiple: true }),
    list: Flags.boolean({ description: 'show the faults, do nothing' }),
    short: Flags.boolean({ description: 'fewer repetitions and shorter outages' }),
    long: Flags.boolean({ description: 'outages of etcd (rows 5 and 27) of ten minutes', exclusive: ['short'] }),
    slack: Flags.integer({ description: 'how many times over their budget times may be', default: 1, min: 1 }),
    soak: Flags.integer({ description: 'random faults for so many minutes', helpValue: 'MINUTES', min: 1 }),
    seed: Flags.integer({ description: 'of what is random', default: 1 }),
    subject: Flags.string({
      description: 'another daemon, with its flags in one word; told where etcd is as flanneld is',
    }),
    former: Flags.string({
      description: 'another version, built: upgrade from it and go back to it',
      helpValue: 'FOLDER',
    }),
    write: Flags.string({ description: 'put the table into this page, where its marks are', helpValue: 'FILE' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(LabChaos);
    const { listFaults, runChaos, writeTable } = await import('../../lab/chaos/index.ts');
    const { labsDir } = await import('../../lab/index.ts');
    const { row: which = [], name, backend, carrier, short, long, slack, seed, former, soak: minutes } = flags;
    if (flags.list) {
      const faults = listFaults(which).map(({ row, name: fault, about }) => ({ row, name: fault, about }));
      const text = faults.map((fault) => `${fault.row} ${fault.name}: ${fault.about}`).join('\n');
      return { data: { faults }, text };
    }
    const subject = flags.subject?.split(' ').filter((word) => word !== '');
    const progress = (line: string) => notice(`chaos: ${line}`);
    const each = ({ failures }: { readonly failures: readonly string[] }) => {
      for (const line of failures) progress(`  ${line}`);
    };
    const lab = { name, labs: labsDir(), backend, carrier, short, long, seed, former, subject };
    const results = await runChaos({ ...lab, which, slack, minutes, progress, each });
    if (flags.write !== undefined)
      await writeTable(flags.write, { backend, carrier, soak: minutes !== undefined, subject: subject?.[0] }, results);
    const isWell = results.every(({ failures }) => failures.length === 0);
    const data = { backend, subject: subject?.[0] ?? 'tsflannel', results };
    return { data, text: chaosTable(results), exit: isWell ? 0 : 7 };
  }
}
