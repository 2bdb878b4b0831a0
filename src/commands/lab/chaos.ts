import { Flags } from '@oclif/core';
import { exitOfSignal } from '../../model/exits.ts';
import { chaosTable, faultLines, withoutLeaks } from '../../output/chaos.ts';
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
    '<%= config.bin %> lab chaos --subject /usr/bin/flanneld --row 1 --beside',
    '<%= config.bin %> lab chaos --subject /usr/bin/flanneld --mixed --row rolling-restart',
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
    mixed: Flags.boolean({ description: 'the subject on every second node only', dependsOn: ['subject'] }),
    beside: Flags.boolean({
      description: 'put tsflannel to the same faults first: the table compares',
      dependsOn: ['subject'],
      exclusive: ['mixed', 'soak'],
    }),
    patience: Flags.integer({
      description: 'after so many seconds a node that is not well is stuck; a subject is started anew then',
      default: 90,
      min: 1,
    }),
    former: Flags.string({
      description: 'another version, built: upgrade from it and go back to it',
      helpValue: 'FOLDER',
    }),
    write: Flags.string({ description: 'put the table into this page, where its marks are', helpValue: 'FILE' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(LabChaos);
    const { describeFaults, runChaos, writeTable } = await import('../../lab/chaos/index.ts');
    const { labsDir } = await import('../../lab/index.ts');
    const { row: which = [], former, beside: besides, soak: minutes, write, patience, ...rest } = flags;
    if (flags.list) {
      const faults = describeFaults(which);
      return { data: { faults }, text: faultLines(faults) };
    }
    const subject = flags.subject?.split(' ').filter((word) => word !== '');
    const progress = (line: string) => notice(`chaos: ${line}`);
    const each = ({ failures }: { readonly failures: readonly string[] }) => {
      for (const line of withoutLeaks(failures)) progress(`  ${line}`);
    };
    const options = { ...rest, labs: labsDir(), which, former, patienceMs: patience * 1_000, minutes, progress, each };
    const { results, beside, stoppedBy } = await runChaos({ ...options, subject, besides });
    const { backend, carrier, mixed } = flags;
    const name = subject?.[0]?.replace(/.*\//, '');
    const of = { backend, carrier, soak: minutes !== undefined, subject: name, mixed, beside, some: which.length > 0 };
    if (write !== undefined && !stoppedBy) await writeTable(write, of, results);
    const isWell = [...(beside ?? []), ...results].every(({ failures }) => failures.length === 0);
    const data = { backend, subject: subject?.[0] ?? 'tsflannel', results, ...(beside && { beside }) };
    const text = [...(beside ? ['tsflannel', chaosTable(beside), '', name] : []), chaosTable(results)].join('\n');
    return { data, text, exit: stoppedBy ? exitOfSignal(stoppedBy) : isWell ? 0 : 7 };
  }
}
