import { type Result, TsflannelCommand } from '../output/command.ts';
import { lookFlags, watchFlag } from '../output/look-flags.ts';
import { leasesText } from '../output/routes.ts';
import { watch } from '../output/watch.ts';

export default class Leases extends TsflannelCommand {
  static override description = 'Show who leases which subnet, when it was last renewed and how long it lasts.';
  static override examples = [
    '<%= config.bin %> leases',
    '<%= config.bin %> leases --watch',
    '<%= config.bin %> leases --json',
  ];
  static override flags = { ...lookFlags, ...watchFlag };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Leases);
    const { routesNow } = await import('../host/look.ts');
    const { lookOptions } = await import('../host/look-options.ts');
    const options = await lookOptions(flags);
    const look = async () => {
      const { rows, daemon } = await routesNow(options);
      const leases = rows.filter((row) => row.leaseId !== undefined || row.state === 'rejected');
      return { data: { daemon, leases }, text: leasesText(leases) };
    };
    if (!flags.watch) return look();
    await watch(async () => {
      const { data, text } = await look();
      return { text, json: JSON.stringify({ schemaVersion: 1, ...data }) };
    }, flags.json);
    return { data: {}, text: '', silent: true };
  }
}
