import { INTERRUPTED } from '../../model/exits.ts';
import { stringifyLine } from '../../model/json.ts';
import { printable } from '../../model/parsed.ts';
import { document, notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { keyArg, keyFlags } from '../../output/key-flags.ts';

export default class EtcdWatch extends TsflannelCommand {
  static override summary = "Follow flannel's keys in etcd.";
  static override description =
    "Show flannel's keys in etcd as they are (is), then each change (put, delete) until Ctrl-C, across lost connections.\n" +
    'With --json one document a line.';
  static override examples = ['<%= config.bin %> etcd watch', '<%= config.bin %> etcd watch config --json'];
  static override args = { key: keyArg(false) };
  static override flags = keyFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdWatch);
    const { openKeys, watchKeys } = await import('../../host/keys.ts');
    const keys = await openKeys(flags, args.key);
    const line = (event: string, key: string, text: string) =>
      `${event.padEnd(6)} ${printable(key)}${text === '' ? '' : `  ${text}`}\n`;
    await watchKeys(
      keys,
      (seen) => {
        const json = this.wantsJson() ? `${stringifyLine(document({ ...seen }))}\n` : undefined;
        process.stdout.write(json ?? line(seen.event, seen.key, seen.meaning?.text ?? ''));
      },
      notice,
    );
    keys.kv.close();
    return { data: {}, text: '', exit: INTERRUPTED, silent: true };
  }
}
