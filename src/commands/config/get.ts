import { Flags } from '@oclif/core';
import { networkSettings } from '../../config/origins.ts';
import { configData, configText } from '../../config/text.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';
import { table } from '../../output/table.ts';

export default class ConfigGet extends TsflannelCommand {
  static override description =
    'Show the network config as it stands in etcd; with --origins each of its settings, and whether it was written or is a default.';
  static override examples = ['<%= config.bin %> config get', '<%= config.bin %> config get --origins --json'];
  static override flags = {
    ...etcdFlags,
    origins: Flags.boolean({ description: 'show where each setting comes from' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ConfigGet);
    const { getConfig } = await import('../../host/config.ts');
    const entry = await getConfig(flags);
    const { raw, modRevision, parsed } = entry;
    if (!parsed.ok) {
      const { where, detail } = parsed.rejection;
      return { data: { raw, modRevision, invalid: parsed.rejection }, text: `not valid: ${where}: ${detail}`, exit: 8 };
    }
    const data = { raw, modRevision, ...configData(parsed.value) };
    if (!flags.origins) return { data, text: configText(parsed.value) };
    const settings = networkSettings(entry);
    const cells = settings.map(({ name, value, origin }) => [name, value, origin]);
    return { data: { ...data, settings }, text: table(['setting', 'value', 'origin'], cells) };
  }
}
