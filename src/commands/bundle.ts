import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';
import { etcdFlags, nodeFlags, subnetFileFlag } from '../output/flags.ts';
import { table } from '../output/table.ts';

const fileNow = (): string => `tsflannel-bundle-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.tar.gz`;

export default class Bundle extends TsflannelCommand {
  static override description =
    'Write one archive for somebody who helps: status, routes, plan, doctor, config, etcd and Docker as the commands show them, devices, routes and rules of the kernel, logs. Keys, passwords and tokens are taken out; look through it before you send it.';
  static override examples = ['<%= config.bin %> bundle', '<%= config.bin %> bundle --file /tmp/bundle.tar.gz'];
  static override flags = {
    file: Flags.string({ description: 'file to write (default: a new one in this folder)' }),
    'config-dir': etcdFlags['config-dir'],
    'run-dir': nodeFlags['run-dir'],
    ...subnetFileFlag,
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Bundle);
    const { writeBundle } = await import('../bundle/bundle.ts');
    notice('bundle: asking commands and kernel');
    const file = resolve(flags.file ?? fileNow());
    const places = { configDir: flags['config-dir'], runDir: flags['run-dir'], subnetFile: flags['subnet-file'] };
    const bundle = await writeBundle(file, places);
    const rows = bundle.items.map(({ name, bytes, missing }) => [name, missing ?? `${bytes} bytes`]);
    const text = [table(['file', ''], rows), '', `${bundle.file} (${bundle.bytes} bytes)`].join('\n');
    return { data: { ...bundle }, text };
  }
}
