import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { listFlag } from '../../output/format.ts';
import { table } from '../../output/table.ts';
import { settingFlags } from '../../output/up-flags.ts';

export default class ConfigView extends TsflannelCommand {
  static override summary = 'Show every setting that is in force here.';
  static override description =
    'Show every setting that is in force here: those of up and of etcd, and the network config. With --origins also where each comes from:\n' +
    'a flag, the environment, client.json, etcd, or its default, in this order. Exits 8 when the network config cannot be read.';
  static override examples = [
    '<%= config.bin %> config view --origins',
    '<%= config.bin %> config view --origins --iface eth1 --json',
  ];
  static override flags = {
    ...listFlag,
    origins: Flags.boolean({ description: 'show where each setting comes from' }),
    ...settingFlags,
  };

  override async execute(): Promise<Result> {
    const { flags, raw } = await this.parse(ConfigView);
    const typed = new Set(raw.flatMap((token) => (token.type === 'flag' ? [token.flag] : [])));
    const given = Object.entries(settingFlags).map(([name, { env }]) => ({
      ...{ name, env, typed: typed.has(name) },
      value: flags[name as keyof typeof settingFlags],
    }));
    const { readOrigins } = await import('../../host/origins.ts');
    const { settings, trouble } = await readOrigins(flags, given, process.env);
    const heads = ['setting', 'value', ...(flags.origins ? ['origin'] : [])];
    const cells = settings.map(({ name, value, origin }) => [name, value, origin]);
    const lines = trouble ? [`the network config cannot be read: ${trouble.code}: ${trouble.why}`] : [];
    const data = settings.map(({ origin, ...rest }) => ({ ...rest, ...(flags.origins && { origin }) }));
    return {
      data: { settings: data, trouble: trouble ?? null },
      list: 'settings',
      text: [table(heads, cells), ...lines].join('\n'),
      exit: trouble ? 8 : 0,
    };
  }
}
