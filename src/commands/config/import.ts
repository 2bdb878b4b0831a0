import type { LeaseStep } from '../../config/import.ts';
import { duration } from '../../model/duration.ts';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { confirm } from '../../output/confirm.ts';
import { importFlags } from '../../output/import-flags.ts';
import { table } from '../../output/table.ts';

/** Exit status when some leases were left out. */
const INCOMPLETE = 8;

const leaseTable = (steps: readonly LeaseStep[]): string =>
  table(
    ['lease', 'left', 'action', 'reason'],
    steps.map(({ name, ttl, action, reason = '' }) => [name, ttl === undefined ? '-' : duration(ttl), action, reason]),
  );

export default class ConfigImport extends TsflannelCommand {
  static override summary = 'Take over the config and leases of flannel 0.17 or older.';
  static override description =
    'Take over the config and leases of flannel 0.17 or older from etcd\u2019s v2 store into the v3 store. The v2 store is only read; leases keep\n' +
    'the time they have left; what the v3 store has already stays unless --force. Exits 8 when leases were left out.';
  static override examples = [
    '<%= config.bin %> config import --from-v2 http://10.0.0.1:2379 --dry-run',
    '<%= config.bin %> config import --from-v2 http://10.0.0.1:2379 --yes',
  ];
  static override flags = importFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ConfigImport);
    const { openImport } = await import('../../host/import.ts');
    const source = {
      ...{ url: flags['from-v2'], prefix: flags['v2-prefix'] },
      ...{ caFile: flags['v2-cafile'], certFile: flags['v2-certfile'], keyFile: flags['v2-keyfile'] },
    };
    const work = await openImport(flags, source, flags.force);
    try {
      const { plan, from } = work;
      for (const name of from.others) notice(`note: ${name} is another network; import it by its own --v2-prefix`);
      for (const name of from.strays) notice(`note: ${name} is no key of flannel's, and is not taken over`);
      const writes = plan.leases.filter(({ action }) => action === 'write' || action === 'overwrite').length;
      const changed = writes > 0 || plan.config !== 'same';
      const dry = flags['dry-run'];
      if (changed && !dry && !flags.yes) notice(leaseTable(plan.leases));
      if (changed && !dry)
        await confirm(`the config (${plan.config}) and ${writes} leases are written to v3`, flags.yes);
      const leases = dry || !changed ? plan.leases : await work.apply();
      const left = leases.some(({ action }) => action === 'kept' || action === 'refused');
      const data = leases.map(({ name, action, ttl, reason }) => ({ name, action, ttl, reason }));
      const head = `config: ${plan.config} ${plan.raw}`;
      const tail = changed ? (dry ? ['dry run: nothing was written'] : []) : ['no change: all of it is there'];
      return {
        data: {
          changed,
          dryRun: dry,
          config: { action: plan.config, raw: plan.raw },
          leases: data,
          others: from.others,
          strays: from.strays,
        },
        text: [head, ...(leases.length > 0 ? [leaseTable(leases)] : []), ...tail].join('\n'),
        exit: left ? INCOMPLETE : 0,
      };
    } finally {
      work.close();
    }
  }
}
