import { Args } from '@oclif/core';
import { TsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { listFlag } from '../output/format.ts';
import { SCHEMAS } from '../schema/schema.ts';

export default class Schema extends TsflannelCommand {
  static override description =
    'Print the JSON Schema (draft 2020-12) of what a command prints with --json (of those that follow something: of each line), or of error, which any prints when it fails. Without a name: list which there are. Properties are added to a document, none goes or changes its meaning while its schemaVersion stays.';
  static override examples = [
    '<%= config.bin %> schema',
    '<%= config.bin %> schema status',
    '<%= config.bin %> schema etcd member list',
    '<%= config.bin %> schema error',
  ];
  static override flags = listFlag;
  static override args = {
    command: Args.string({ description: 'name of a command, or error', multiple: true }),
  };

  override async execute(): Promise<Result> {
    const { args } = await this.parse(Schema);
    const name = args.command?.join(' ');
    if (name === undefined) return listed();
    const schema = SCHEMAS.get(name);
    if (!schema) throw new TsflannelError('SCHEMA_UNKNOWN', { name: printable(name) });
    return { data: { name, schema }, text: JSON.stringify(schema, null, 2) };
  }
}

function listed(): Result {
  const schemas = [...SCHEMAS].map(([name, { title }]) => ({ name, title }));
  return { data: { schemas }, list: 'schemas', text: schemas.map(({ name }) => name).join('\n') };
}
