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
    row: Flags.string({ description: 'only this row of the matrix, or fault by name (repeatable)', multiple: true }),
    list: Flags.boolean({ description: 'show the faults, do nothing' }),
    short: Flags.boolean({ description: 'fewer repetitions and shorter outages' }),
    slack: Flags.integer({ description: 'how many times over their budget times may be', default: 1, min: 1 }),
    soak: Flags.integer({ description: 'random faults for so many minutes', helpValue: 'MINUTES', min: 1 }),
    seed: Flags.integer({ description: 'of what is random', default: 1 }),
    subject: Flags.string({
      description: 'another daemon, with its flags in one word; told where etcd is as flanneld is',
    }),
    write: Flags.string({ description: 'put the table into this page, where its marks are', helpValue: 'FILE' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(LabChaos);
    const { FAULTS, runChaos, writeTable } = await import('../../lab/chaos/index.ts');
    const { labsDir } = await import('../../lab/index.ts');
    const which = flags.row ?? [];
    if (flags.list) {
      const faults = FAULTS.filter(
        ({ row, name }) => which.length === 0 || which.includes(String(row)) || which.includes(name),
      );
      const data = faults.map(({ row, name, about }) => ({ row, name, about }));
      return {
        data: { faults: data },
        text: data.map(({ row, name, about }) => `${row} ${name}: ${about}`).join('\n'),
      };
    }
    const { name, backend, short, slack, seed } = flags;
    const subject = flags.subject?.split(' ').filter((word) => word !== '');
    const progress = (line: string) => notice(`chaos: ${line}`);
    const options = {
      name,
      labs: labsDir(),
      backend,
      which,
      short,
      slack,
      seed,
      progress,
      ...(subject && { subject }),
      ...(flags.soak !== undefined && { minutes: flags.soak }),
    };
    const results = await runChaos({
      ...options,
      each: ({ failures }) => {
        for (const line of failures) progress(`  ${line}`);
      },
    });
    if (flags.write !== undefined)
      await writeTable(flags.write, { backend, soak: flags.soak !== undefined, subject: subject?.[0] }, results);
    const isWell = results.every(({ failures }) => failures.length === 0);
    return {
      data: { backend, subject: subject?.[0] ?? 'tsflannel', results },
      text: chaosTable(results),
      exit: isWell ? 0 : 7,
    };
  }
}
