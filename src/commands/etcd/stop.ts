import { Flags } from '@oclif/core';
import { TsflannelError } from '../../errors.ts';
import { memberPaths } from '../../etcd/paths.ts';
import { stopMember } from '../../etcd/stop.ts';
import { canAsk, openAsk } from '../../output/ask.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag } from '../../output/flags.ts';
import { memberDirFlags } from '../../output/member-flags.ts';

export default class EtcdStop extends TsflannelCommand {
  static override description =
    'Stop the etcd member of this host. It stays a member of its cluster and keeps its data: tsflannel init starts it again.';
  static override examples = ['<%= config.bin %> etcd stop', '<%= config.bin %> etcd stop --purge --yes'];
  static override flags = {
    purge: Flags.boolean({
      description: "also remove the member's data, log, marker and client.json",
      env: 'TSFLANNEL_PURGE',
    }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask before --purge', env: 'TSFLANNEL_YES' }),
    ...dryRunFlag,
    ...memberDirFlags,
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdStop);
    const paths = await memberPaths(flags);
    const dryRun = flags['dry-run'];
    if (flags.purge && !flags.yes && !dryRun) await confirmed(paths.dataDir);
    const { stopped, removed } = await stopMember({ ...paths, purge: flags.purge, dryRun }).catch((error) =>
      flags.purge ? goneAlready(error) : Promise.reject(error),
    );
    const lines = [
      ...(dryRun ? ['dry run: nothing is changed'] : []),
      stopped ? 'etcd is stopped' : `${removed.length > 0 ? '' : 'no change: '}etcd was not running`,
      ...(removed.length > 0 ? [`removed ${removed.join(', ')}`] : []),
      ...(flags.purge ? [] : [`its data stays in ${paths.dataDir}`]),
    ];
    return {
      data: { changed: stopped || removed.length > 0, stopped, removed, dryRun, dataDir: paths.dataDir },
      text: lines.join('\n'),
    };
  }
}

/** After a purge there is nothing left to purge. */
function goneAlready(error: unknown): { readonly stopped: boolean; readonly removed: readonly string[] } {
  if (error instanceof TsflannelError && error.code === 'ETCD_NOT_MANAGED') return { stopped: false, removed: [] };
  throw error;
}

async function confirmed(dataDir: string): Promise<void> {
  const detail = `--purge removes all of ${dataDir} and the member's keys; where the CA key is among them, no host can join the cluster any more`;
  if (!canAsk()) throw new TsflannelError('NEEDS_CONFIRMATION', { detail });
  const ask = await openAsk();
  if (!(await ask.confirm(`${detail}. Go on?`, false))) throw new TsflannelError('ABORTED');
}
