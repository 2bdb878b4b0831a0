import { hostname } from 'node:os';
import { Args, Flags } from '@oclif/core';
import { hostAddresses } from '../etcd/addresses.ts';
import { joinReport, previewJoin, readTokenText } from '../etcd/join-report.ts';
import { joinCluster } from '../etcd/joining.ts';
import { MEMBER_HEADS, memberCells } from '../etcd/members.ts';
import { etcdBinary, keyPrefix, memberPaths } from '../etcd/paths.ts';
import { parseRequest } from '../etcd/request.ts';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';
import { joinFlags } from '../output/member-flags.ts';
import { table } from '../output/table.ts';

export default class Join extends TsflannelCommand {
  static override summary = 'Bring this host into a cluster by a token that another host made.';
  static override description =
    'As a member it runs etcd and votes once it has caught up; as a client it only gets what it needs to reach the cluster.\n' +
    'Run again, it goes on where it was; a host that has its certificates needs no token any more.';
  static override examples = [
    '<%= config.bin %> join TOKEN',
    { description: 'a host that runs no etcd', command: '<%= config.bin %> join TOKEN --as client' },
    { description: 'the token by stdin, seen by no other user', command: '<%= config.bin %> join -' },
  ];
  static override args = {
    token: Args.string({
      description: 'as init and token create print it; - reads it from stdin (default: TSFLANNEL_JOIN_TOKEN)',
    }),
  };
  static override flags = {
    as: Flags.option({ options: ['member', 'client'] as const })({
      description: 'what to become (default: what the token is for)',
      env: 'TSFLANNEL_AS',
    }),
    ...joinFlags,
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Join);
    // Other users of the host can read a command line; this takes the token out of it.
    process.title = 'tsflannel join';
    const { openKv } = await import('../host/kv.ts');
    const token = await readTokenText(args.token, process.env.TSFLANNEL_JOIN_TOKEN);
    const options = {
      ...{
        request: parseRequest(flags),
        network: undefined,
        yes: true,
        waitSeconds: flags['wait-timeout'],
        systemd: flags.systemd,
      },
      ...keyPrefix(flags['etcd-prefix']),
      ...(await memberPaths(flags)),
      ...etcdBinary(flags['etcd-binary']),
      ...{ path: process.env.PATH ?? '', host: { hostname: hostname(), addresses: hostAddresses() } },
      ...{ open: openKv, notice },
    };
    if (flags['dry-run']) return previewJoin({ token, as: flags.as }, options);
    const joined = await joinCluster({ token, as: flags.as }, options);
    const cluster = joined.as === 'member' ? joined.outcome.cluster : undefined;
    return joinReport(joined, options, cluster ? table(MEMBER_HEADS, memberCells(cluster)) : '');
  }
}
