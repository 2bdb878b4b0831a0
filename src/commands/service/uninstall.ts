import { Flags } from '@oclif/core';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { serviceFlags } from '../../output/service-flags.ts';
import { findInit, serviceState, uninstall } from '../../service/manage.ts';
import { servicePlan } from '../../service/service.ts';

export default class ServiceUninstall extends TsflannelCommand {
  static override summary = 'Take back what service install did.';
  static override description =
    'Stops and disables the service and removes its files; files that are not ours stay, and so do lease and routes (tsflannel down).';
  static override examples = ['<%= config.bin %> service uninstall', '<%= config.bin %> service uninstall --dry-run'];
  static override flags = {
    ...serviceFlags,
    'dry-run': Flags.boolean({ default: false, description: 'print what would be removed, change nothing' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ServiceUninstall);
    const place = { notice, ...(flags.root !== undefined && { root: flags.root }) };
    const plan = await servicePlan(flags.init ?? (await findInit(place)), []);
    if (flags['dry-run']) {
      const { files } = await serviceState(plan, place);
      const there = files.filter(({ state }) => state === 'as written' || state === 'changed').map(({ path }) => path);
      return {
        data: { changed: there.length > 0, removed: there, dryRun: true },
        text: there.join('\n') || 'Nothing of ours is installed.',
      };
    }
    const removed = await uninstall(plan, place);
    return {
      data: { changed: removed.length > 0, removed, dryRun: false },
      text: removed.length > 0 ? 'Removed.' : 'Nothing of ours is installed.',
    };
  }
}
