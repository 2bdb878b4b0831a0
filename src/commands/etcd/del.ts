import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { confirm } from '../../output/confirm.ts';
import { keyArg, keyChangeFlags } from '../../output/key-flags.ts';

export default class EtcdDel extends TsflannelCommand {
  static override summary = 'Delete one key of flannel in etcd.';
  static override description =
    'Delete one key of flannel in etcd, if nobody else writes it meanwhile. Warns when it is a live lease: its node would claim a subnet\n' +
    'anew, and another node could get this one.';
  static override examples = ['<%= config.bin %> etcd del subnets/10.5.9.0-24'];
  static override args = { key: keyArg(true) };
  static override flags = keyChangeFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdDel);
    const { changeKey, judgeChange, openKeys } = await import('../../host/keys.ts');
    const keys = await openKeys(flags, args.key);
    try {
      const change = await judgeChange(keys, undefined);
      const { warnings, before } = change;
      for (const warning of warnings) notice(`warning: ${warning}`);
      const data = {
        changed: before !== undefined,
        key: keys.key,
        before: before?.kv.value ?? null,
        warnings,
        dryRun: flags['dry-run'],
      };
      if (!before) return { data, text: `no change: there is no key ${keys.key}` };
      if (flags['dry-run']) return { data, text: `dry run: ${keys.key} is deleted` };
      await confirm([`${keys.key} is deleted`, ...warnings].join('; '), flags.yes);
      const revision = await changeKey(keys, change, undefined);
      return { data: { ...data, revision }, text: `${keys.key} is deleted, revision ${revision}` };
    } finally {
      keys.kv.close();
    }
  }
}
