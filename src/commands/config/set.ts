import { Flags } from '@oclif/core';
import { askConfig, configFlags, wishOf } from '../../config/flags.ts';
import { configData, configText } from '../../config/text.ts';
import { TsflannelError } from '../../errors.ts';
import { canAsk, openAsk } from '../../output/ask.ts';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags } from '../../output/flags.ts';

export default class ConfigSet extends TsflannelCommand {
  static override description =
    'Check and write the network config in etcd. Flags change what they name and keep the rest; --file and stdin replace it whole.';
  static override examples = [
    '<%= config.bin %> config set --network 172.17.0.0/16',
    '<%= config.bin %> config set --network 10.5.0.0/16 --backend vxlan --backend-option VNI=7',
    '<%= config.bin %> config set --file network.json',
    'echo \'{"Network":"10.5.0.0/16"}\' | <%= config.bin %> config set --file -',
  ];
  static override flags = {
    ...etcdFlags,
    ...configFlags,
    force: Flags.boolean({ description: 'write in spite of overlapping routes or live leases that cannot follow' }),
    'dry-run': Flags.boolean({ default: false, description: 'check and show, write nothing' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ConfigSet);
    const { readConfigText, setConfig } = await import('../../host/config.ts');
    let wish = wishOf(flags);
    if (!wish && flags.file === undefined) {
      if (!canAsk()) throw new TsflannelError('MISSING_FLAGS', { flags: '--network (or --file)' });
      wish = await askConfig(await openAsk());
    }
    const input = flags.file === undefined ? { wish: wish ?? {} } : { raw: await readConfigText(flags.file) };
    const result = await setConfig(flags, input, { force: flags.force, dryRun: flags['dry-run'] });
    for (const note of result.notes) notice(`note: ${note}`);
    const done = result.changed
      ? flags['dry-run']
        ? 'Would write:'
        : 'Written:'
      : 'No change: the config is this already.';
    const data = {
      changed: result.changed,
      dryRun: flags['dry-run'],
      raw: result.raw,
      notes: result.notes,
      ...configData(result.config),
    };
    return { data, text: `${done}\n${configText(result.config)}` };
  }
}
