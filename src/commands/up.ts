import type { DaemonStatus } from '../control/protocol.ts';
import { canAsk, openAsk } from '../output/ask.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { upFlags } from '../output/up-flags.ts';

/** Says so when the node is up without etcd. */
const startedText = ({ subnet, pid, cachedAt }: DaemonStatus, log: string): string =>
  cachedAt === undefined
    ? `${subnet} is leased; the daemon runs (pid ${pid}, log ${log}).`
    : `${subnet} is restored from the cached view of ${cachedAt}, since etcd does not answer; the daemon runs (pid ${pid}, log ${log}).`;

export default class Up extends TsflannelCommand {
  static override description =
    "Lease a subnet, write subnet.env and forward packets between the nodes (the daemon; flanneld's flags and variables work).";
  static override examples = [
    '<%= config.bin %> up',
    '<%= config.bin %> up --ip-masq --detach',
    '<%= config.bin %> up --docker --detach',
    '<%= config.bin %> up --etcd-endpoints http://10.0.0.1:2379 --iface eth1',
  ];
  static override flags = upFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Up);
    if (flags.version) return { data: { version: this.config.version }, text: this.config.version };
    const { startDetached, startHere } = await import('../host/up.ts');
    if (flags.detach) {
      const { status, log } = await startDetached(this.argv, flags);
      return {
        data: { ...status, log },
        text: startedText(status, log),
      };
    }
    const ask = canAsk() ? await openAsk() : undefined;
    await startHere(
      flags,
      this.config.version,
      ask && ((names) => ask.choose('Which interface connects the nodes?', names)),
    );
    return { data: { stopped: true }, text: '' };
  }
}
