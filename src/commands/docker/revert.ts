import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dockerFlags } from '../../output/docker-flags.ts';
import { dockerText } from '../../output/docker-text.ts';

export default class DockerRevert extends TsflannelCommand {
  static override summary = "Put Docker's options and docker0 back as they were before the first docker apply.";
  static override description =
    'Restores daemon.json byte for byte (or removes it where there was none), the flags and the address of docker0, restarts Docker\n' +
    'and forgets the journal. Where somebody else changed daemon.json since, only the options of docker apply are taken out.';
  static override examples = [
    '<%= config.bin %> docker revert',
    '<%= config.bin %> docker revert --dry-run',
    '<%= config.bin %> docker revert --yes',
  ];
  static override flags = dockerFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(DockerRevert);
    const request = {
      stateDir: flags['state-dir'],
      configFile: flags['config-file'],
      socket: flags['docker-socket'],
      dryRun: flags['dry-run'],
      stopContainers: flags['stop-containers'],
    };
    const { revertDocker } = await import('../../docker/revert.ts');
    const { withDocker } = await import('../../host/docker.ts');
    const place = { runDir: flags['run-dir'], yes: flags.yes };
    const outcome = await withDocker(place, (parts) => revertDocker(request, parts));
    const text = dockerText(outcome, request.dryRun, 'Docker is as it was before the first docker apply');
    return { data: { ...outcome, dryRun: request.dryRun }, text };
  }
}
