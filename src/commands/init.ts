import { hostname } from 'node:os';
import { hostAddresses } from '../etcd/addresses.ts';
import { enableAuth, readPasswords } from '../etcd/auth.ts';
import { type InitOptions, settle } from '../etcd/init.ts';
import { MEMBER_HEADS, memberCells } from '../etcd/members.ts';
import { etcdBinary, keyPrefix, memberPaths } from '../etcd/paths.ts';
import { confirmPlan, preview } from '../etcd/preview.ts';
import { report } from '../etcd/report.ts';
import { parseRequest } from '../etcd/request.ts';
import { runMember } from '../etcd/run-member.ts';
import { canAsk, openAsk } from '../output/ask.ts';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';
import { initFlags } from '../output/member-flags.ts';
import { table } from '../output/table.ts';

export default class Init extends TsflannelCommand {
  static override summary = 'Bootstrap the etcd member of this host and wait until its cluster is healthy.';
  static override description =
    'Runs etcd as a supervised background process. On a terminal it asks for what the flags leave open; without one it never asks.\n' +
    'Run again, it changes nothing on a healthy member, and starts a stopped one from its data dir.';
  static override examples = [
    { description: 'a cluster of this host alone, secured by TLS', command: '<%= config.bin %> init --yes' },
    {
      description: 'ask a discovery service for a URL',
      command: '<%= config.bin %> init --insecure --new-discovery https://discovery.etcd.io --size 3',
    },
    {
      description: 'come to that cluster on the other hosts',
      command: '<%= config.bin %> init --insecure --discovery https://discovery.etcd.io/TOKEN',
    },
    {
      description: 'members known beforehand, with a CA that all of them have',
      command:
        '<%= config.bin %> init --ca-cert ca.crt --ca-key ca.key --initial-cluster a=https://10.0.0.1:2380,b=https://10.0.0.2:2380',
    },
  ];
  static override flags = initFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Init);
    const { openKv } = await import('../host/kv.ts');
    const wished: InitOptions = {
      request: parseRequest(flags),
      network: flags.network,
      ...keyPrefix(flags['etcd-prefix']),
      ...(await memberPaths(flags)),
      ...{ ...etcdBinary(flags['etcd-binary']), openDir: flags['data-dir'] === undefined },
      ...{ yes: flags.yes, ...(flags.size !== undefined && { size: flags.size }) },
      systemd: flags.systemd,
      waitSeconds: flags['wait-timeout'],
      path: process.env.PATH ?? '',
      host: { hostname: hostname(), addresses: hostAddresses() },
      open: openKv,
      ...(canAsk() && !flags.yes && { ask: openAsk }),
      notice,
    };
    const passwords = flags.auth ? readPasswords(process.env, flags.insecure) : undefined;
    const settled = await settle(wished, flags['dry-run']);
    const options = { ...wished, dataDir: settled.member.dataDir };
    const network = settled.network === undefined ? undefined : await import('../host/config.ts');
    await network?.checkNetwork(settled.network ?? '');
    if (flags['dry-run']) return preview(settled, options);
    if (settled.asked) await confirmPlan(settled, options);
    const outcome = await runMember(settled, options);
    if (!outcome.cluster) return report(outcome, options, { table: '' });
    const result = await network?.setNetwork(settled.network ?? '', options.configDir);
    for (const note of result?.notes ?? []) notice(`note: ${note}`);
    const written = result?.changed
      ? `network config written: ${settled.network}`
      : 'the network config is there already';
    // Last: from here on the network config, too, is for users only.
    if (passwords) await enableAuth(outcome.member, options.configDir, passwords);
    const cells = table(MEMBER_HEADS, memberCells(outcome.cluster));
    return report(outcome, options, {
      table: cells,
      ...(result && { written }),
      ...(passwords && { user: passwords.user }),
    });
  }
}
