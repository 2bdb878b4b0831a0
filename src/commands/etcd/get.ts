import { Flags } from '@oclif/core';
import { duration } from '../../model/duration.ts';
import { printable } from '../../model/parsed.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { listFlag } from '../../output/format.ts';
import { keyArg, keyFlags } from '../../output/key-flags.ts';
import { table } from '../../output/table.ts';

export default class EtcdGet extends TsflannelCommand {
  static override summary = "Show flannel's keys in etcd and what they mean.";
  static override description =
    "Show flannel's keys in etcd and what they mean: the config, the leases with their time left. A key that ends with / stands for\n" +
    'all below it.';
  static override examples = [
    '<%= config.bin %> etcd get',
    '<%= config.bin %> etcd get config --raw',
    '<%= config.bin %> etcd get subnets/',
    '<%= config.bin %> etcd get /registry/ --all',
  ];
  static override args = { key: keyArg(false) };
  static override flags = {
    ...listFlag,
    ...keyFlags,
    raw: Flags.boolean({ description: 'only the values, as they are' }),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdGet);
    const { getKeys, openKeys } = await import('../../host/keys.ts');
    const keys = await openKeys(flags, args.key);
    try {
      const found = await getKeys(keys);
      const data = found.map(({ kv, meaning, left }) => ({ ...kv, meaning, ...(left !== undefined && { left }) }));
      const cells = found.map(({ kv, meaning, left }) => [
        printable(kv.key),
        String(kv.modRevision),
        left === undefined ? '-' : duration(left),
        meaning.text,
      ]);
      const text = flags.raw
        ? found.map(({ kv }) => kv.value).join('\n')
        : table(['key', 'revision', 'left', 'meaning'], cells);
      return { data: { keys: data }, list: 'keys', text: found.length === 0 ? `no keys below ${keys.key}` : text };
    } finally {
      keys.kv.close();
    }
  }
}
