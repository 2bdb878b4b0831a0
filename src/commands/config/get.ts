import { configData, configText } from '../../config/text.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';

export default class ConfigGet extends TsflannelCommand {
  static override description = 'Show the network config as it stands in etcd.';
  static override examples = ['<%= config.bin %> config get', '<%= config.bin %> config get --json'];
  static override flags = { ...etcdFlags };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ConfigGet);
    const { getConfig } = await import('../../host/config.ts');
    const { raw, modRevision, parsed } = await getConfig(flags);
    if (parsed.ok) return { data: { raw, modRevision, ...configData(parsed.value) }, text: configText(parsed.value) };
    const { where, detail } = parsed.rejection;
    return { data: { raw, modRevision, invalid: parsed.rejection }, text: `not valid: ${where}: ${detail}`, exit: 8 };
  }
}
