import { Flags } from '@oclif/core';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { serviceFlags } from '../../output/service-flags.ts';
import { differs, findInit, install } from '../../service/manage.ts';
import { servicePlan } from '../../service/service.ts';

export default class ServiceInstall extends TsflannelCommand {
  static override summary = 'Start tsflannel at every boot, and Docker after it.';
  static override description =
    'Writes a systemd unit and a drop-in for docker.service, or a script for OpenRC or sysvinit, enables and starts it.\n' +
    'What stands behind -- goes to tsflannel up. Variables, and a password, belong into /etc/tsflannel/tsflannel.env.';
  static override examples = [
    '<%= config.bin %> service install',
    '<%= config.bin %> service install -- --ip-masq --iface eth1',
    '<%= config.bin %> service install --dry-run --init sysvinit',
  ];
  static override strict = false;
  static override flags = {
    ...serviceFlags,
    start: Flags.boolean({ description: 'start it now too', default: true, allowNo: true }),
    'dry-run': Flags.boolean({ default: false, description: 'print the files and commands, change nothing' }),
  };

  override async execute(): Promise<Result> {
    const { flags, argv } = await this.parse(ServiceInstall);
    const place = { notice, ...(flags.root !== undefined && { root: flags.root }) };
    const plan = await servicePlan(flags.init ?? (await findInit(place)), argv as string[]);
    const commands = flags.root === undefined ? [...plan.enable, ...(flags.start ? [plan.start] : [])] : [];
    const changed = await differs(plan, place, flags.start);
    const data = { changed, init: plan.init, files: plan.files, commands, dryRun: flags['dry-run'] };
    if (flags['dry-run']) {
      const files = plan.files.map(({ path, content }) => `== ${path}\n${content}`);
      return { data, text: [...files, ...commands.map((command) => `$ ${command.join(' ')}`)].join('\n') };
    }
    // Only systemd can be asked whether all of it stands; the commands of the others may be repeated.
    if (changed || (plan.init !== 'systemd' && flags.root === undefined)) await install(plan, place, flags.start);
    const text = `tsflannel starts at boot (${plan.init}); tsflannel service uninstall takes that back.`;
    return { data, text: changed ? text : `No change: ${text}` };
  }
}
