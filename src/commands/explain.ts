import { Args, Flags } from '@oclif/core';
import { EXPLANATIONS, type Explanation, explain, near } from '../doctor/explain.ts';
import { TsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { listFlag } from '../output/format.ts';
import { table } from '../output/table.ts';

const KINDS = ['error', 'check', 'event', 'rejection'] as const;
const SAYS = {
  ...{ error: 'an error', check: 'a check of doctor; well means', event: 'an event in the daemon’s log' },
  rejection: 'why a value in etcd is refused',
};

const textOf = ({ code, kind, what, why, fix, exit }: Explanation): string =>
  [
    `${code}: ${SAYS[kind]}: ${what}`,
    `  why:  ${why}`,
    ...fix.map((line) => `  try:  ${line}`),
    ...(exit === undefined ? [] : [`  exit: ${exit}`]),
  ].join('\n');

export default class Explain extends TsflannelCommand {
  static override description =
    'Say what an error code, a check of doctor, an event in the log or a refusal of what stands in etcd means, why it comes about and what to type. Without a name: list all.';
  static override examples = [
    '<%= config.bin %> explain ETCD_UNREACHABLE',
    '<%= config.bin %> explain peer-tunnel',
    '<%= config.bin %> explain --kind event',
  ];
  static override args = { code: Args.string({ description: 'code of an error, name of a check or of an event' }) };
  static override flags = {
    ...listFlag,
    kind: Flags.option({ options: KINDS, description: 'only these' })(),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Explain);
    const { code } = args;
    const all = code === undefined ? EXPLANATIONS : explain(code);
    const found = all.filter(({ kind }) => flags.kind === undefined || kind === flags.kind);
    if (code !== undefined && found.length === 0) throw unknown(code);
    const rows = found.map(({ code: name, kind, what }) => [name, kind, what]);
    const text = code === undefined ? table(['name', 'kind', 'what'], rows) : found.map(textOf).join('\n\n');
    return { data: { explanations: found }, list: 'explanations', text };
  }
}

function unknown(code: string): TsflannelError {
  const names = near(code);
  const text = names.length > 0 ? `did you mean ${names.join(', ')}` : 'and nothing has a name like it';
  return new TsflannelError('CODE_UNKNOWN', { code: printable(code), near: text });
}
