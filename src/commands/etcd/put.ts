import { Args } from '@oclif/core';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { confirm } from '../../output/confirm.ts';
import { keyArg, keyChangeFlags } from '../../output/key-flags.ts';

export default class EtcdPut extends TsflannelCommand {
  static override summary = 'Write one key of flannel in etcd.';
  static override description =
    'Write one key of flannel in etcd, if nobody else writes it meanwhile; it stays on its etcd lease. For the config, config set checks\n' +
    'more. Warns when the key is a live lease, and when flannel would not take the value.';
  static override examples = [
    '<%= config.bin %> etcd put config \'{"Network":"10.5.0.0/16"}\' --dry-run',
    '<%= config.bin %> etcd put subnets/10.5.9.0-24 \'{"PublicIP":"10.0.0.9"}\' --yes',
  ];
  static override args = { key: keyArg(true), value: Args.string({ description: 'the value', required: true }) };
  static override flags = keyChangeFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdPut);
    const { changeKey, judgeChange, openKeys } = await import('../../host/keys.ts');
    const keys = await openKeys(flags, args.key);
    try {
      const change = await judgeChange(keys, args.value);
      const { warnings, before } = change;
      for (const warning of warnings) notice(`warning: ${warning}`);
      const data = { key: keys.key, before: before?.kv.value ?? null, warnings, dryRun: flags['dry-run'] };
      if (before?.kv.value === args.value)
        return { data: { changed: false, ...data }, text: 'no change: it has this value' };
      const does = `${keys.key} is ${before ? 'overwritten' : 'created'}`;
      if (flags['dry-run']) return { data: { changed: true, ...data }, text: `dry run: ${does}` };
      await confirm([does, ...warnings].join('; '), flags.yes);
      const revision = await changeKey(keys, change, args.value);
      return { data: { changed: true, ...data, revision }, text: `${does}, revision ${revision}` };
    } finally {
      keys.kv.close();
    }
  }
}
