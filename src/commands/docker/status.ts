import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dockerPlaceFlags } from '../../output/docker-flags.ts';
import { dockerStatusText } from '../../output/docker-status.ts';
import { subnetFileFlag } from '../../output/flags.ts';
import { listFlag } from '../../output/format.ts';

export default class DockerStatus extends TsflannelCommand {
  static override summary =
    'Compare lease, subnet.env, the options of dockerd, docker0 and MTU: exit status 0 ok, 8 degraded, 9 down.';
  static override description =
    'Each line says what should be and what is; below it stand the commands that put right what differs. Changes nothing.';
  static override examples = ['<%= config.bin %> docker status', '<%= config.bin %> docker status --json'];
  static override flags = { ...listFlag, ...dockerPlaceFlags, ...subnetFileFlag };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(DockerStatus);
    const { dockerStatusNow } = await import('../../host/docker.ts');
    const report = await dockerStatusNow({
      stateDir: flags['state-dir'],
      runDir: flags['run-dir'],
      subnetFile: flags['subnet-file'],
      configFile: flags['config-file'],
      socket: flags['docker-socket'],
    });
    const exit = { ok: 0, degraded: 8, down: 9 }[report.state];
    return { data: { ...report }, list: 'rows', text: dockerStatusText(report), exit };
  }
}
