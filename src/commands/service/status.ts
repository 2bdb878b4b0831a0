import { type Result, TsflannelCommand } from '../../output/command.ts';
import { serviceFlags } from '../../output/service-flags.ts';
import { table } from '../../output/table.ts';
import { findInit, serviceState } from '../../service/manage.ts';
import { servicePlan } from '../../service/service.ts';

export default class ServiceStatus extends TsflannelCommand {
  static override description =
    'Say whether this host starts tsflannel at boot: exit status 0 when it does, 8 when something differs, 9 when not.';
  static override examples = ['<%= config.bin %> service status', '<%= config.bin %> service status --json'];
  static override flags = serviceFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(ServiceStatus);
    const place = flags.root === undefined ? {} : { root: flags.root };
    const state = await serviceState(await servicePlan(flags.init ?? (await findInit(place)), []), place);
    const isMissing = state.files.every((file) => file.state === 'missing');
    const isWhole =
      state.files.every((file) => file.state === 'as written') &&
      (state.enabled === undefined || state.enabled === 'enabled');
    const says = [state.enabled, state.active].filter(Boolean).join(', ');
    const rows = state.files.map((file) => [file.path, file.state]);
    const text = `${table(['FILE', 'STATE'], rows)}\n${state.init}${says === '' ? '' : `: ${says}`}`;
    return { data: { ...state }, text, exit: isWhole ? 0 : isMissing ? 9 : 8 };
  }
}
