import { buildConfig } from '../../config/build.ts';
import { configFlags, wishOf } from '../../config/flags.ts';
import { configData, configText } from '../../config/text.ts';
import { TsflannelError } from '../../errors.ts';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';

export default class ConfigValidate extends TsflannelCommand {
  static override description =
    "Check a network config against its own rules and this host's routes; writes nothing. Without flags: the one in etcd.";
  static override examples = [
    '<%= config.bin %> config validate',
    '<%= config.bin %> config validate --network 10.5.0.0/16 --subnet-len 26',
    '<%= config.bin %> config validate --file network.json',
  ];
  static override flags = { ...etcdFlags, ...configFlags };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ConfigValidate);
    const { getConfig, readConfigText, validateText } = await import('../../host/config.ts');
    const wish = wishOf(flags);
    const given = flags.file === undefined ? wish && buildConfig(wish, undefined) : await readConfigText(flags.file);
    const raw = given ?? (await getConfig(flags)).raw;
    const { config, overlap } = await validateText(raw);
    for (const note of overlap.notes) notice(`note: ${note}`);
    const [route] = overlap.conflicts;
    if (route !== undefined)
      throw new TsflannelError('NETWORK_OVERLAP', { network: configData(config).network, route });
    return {
      data: { valid: true, notes: overlap.notes, ...configData(config) },
      text: `Valid.\n${configText(config)}`,
    };
  }
}
