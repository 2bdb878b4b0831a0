import type { RouteRow, Usage } from '../model/report.ts';
import type { Result } from '../output/command.ts';
import { leasesText } from '../output/routes.ts';
import Routes from './routes.ts';

export default class Leases extends Routes {
  static override description = 'Show who leases which subnet, when it was last renewed and how long it lasts.';
  static override examples = [
    '<%= config.bin %> leases',
    '<%= config.bin %> leases --watch',
    '<%= config.bin %> leases --json',
  ];

  protected override show(rows: readonly RouteRow[], usage: Usage): Result {
    const leases = rows.filter((row) => row.leaseId !== undefined || row.state === 'rejected');
    return { data: { leases, usage }, text: leasesText(leases, usage), list: 'leases' };
  }
}
