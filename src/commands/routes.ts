import type { RouteRow, Usage } from '../model/report.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { listFlag } from '../output/format.ts';
import { lookFlags, watchFlag } from '../output/look-flags.ts';
import { routesText } from '../output/routes.ts';
import { watch } from '../output/watch.ts';

/** What is another at each look. */
const MOVING: ReadonlySet<string> = new Set(['age', 'left', 'asked', 'lost', 'rttMicros', 'traffic']);

export default class Routes extends TsflannelCommand {
  static override description =
    'Show every lease with how it is reached from here: etcd and kernel joined; missing, foreign and refused entries are marked.';
  static override examples = [
    '<%= config.bin %> routes',
    '<%= config.bin %> routes --watch',
    '<%= config.bin %> routes --json',
  ];
  static override flags = { ...listFlag, ...lookFlags, ...watchFlag };

  /** What of the rows is shown, and how. */
  protected show(rows: readonly RouteRow[], _usage: Usage): Result {
    return { data: { routes: rows }, text: routesText(rows), list: 'routes' };
  }

  override async execute(): Promise<Result> {
    const { flags } = await this.parse({ flags: Routes.flags, baseFlags: TsflannelCommand.baseFlags });
    const { routesNow } = await import('../host/look.ts');
    const { lookOptions } = await import('../host/look-options.ts');
    const options = await lookOptions(flags);
    const look = async () => {
      const { rows, usage, daemon } = await routesNow(options);
      const { data, ...shown } = this.show(rows, usage);
      return { ...shown, data: { daemon, ...data } };
    };
    if (!flags.watch) return look();
    const exit = await watch({ look, command: this.typed(), moving: MOVING }, this.format());
    return { data: {}, text: '', exit, silent: true };
  }
}
