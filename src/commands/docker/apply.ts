import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dockerFlags } from '../../output/docker-flags.ts';
import { dockerText } from '../../output/docker-text.ts';
import { subnetFileFlag } from '../../output/flags.ts';

export default class DockerApply extends TsflannelCommand {
  static override summary =
    'Give Docker the leased subnet: bip, mtu and ip-masq, docker0 re-addressed, Docker restarted.';
  static override description =
    'Finds how this host runs dockerd (systemd, init script or a plain process), merges daemon.json or rewrites the flags, restarts\n' +
    'Docker and checks docker0. When a step fails, or on Ctrl-C, everything is put back. Run again, it changes nothing.';
  static override examples = [
    '<%= config.bin %> docker apply',
    '<%= config.bin %> docker apply --dry-run',
    '<%= config.bin %> docker apply --docker0-length 25',
    '<%= config.bin %> docker apply --yes --stop-containers',
    '<%= config.bin %> docker apply --docker-env-file /etc/default/docker --docker-env-key DOCKER_OPTS',
  ];
  static override flags = {
    ...dockerFlags,
    ...subnetFileFlag,
    'docker0-length': Flags.integer({
      description:
        'give docker0 only this much of the leased subnet, the rest to docker network create (24: all of a /24)',
      min: 8,
      max: 30,
      env: 'TSFLANNEL_DOCKER0_LENGTH',
      helpGroup: 'DOCKER',
    }),
    // Not plain --env-file: Node takes that for an option of its own when it is not started by our launcher.
    'docker-env-file': Flags.string({
      aliases: ['env-file'],
      description: 'write the options into this env file of the unit or init script instead of daemon.json',
      env: 'TSFLANNEL_DOCKER_ENV_FILE',
      helpGroup: 'DOCKER',
    }),
    'docker-env-key': Flags.string({
      aliases: ['env-key'],
      description: "the variable of that file which dockerd's command line takes",
      default: 'DOCKER_OPTS',
      env: 'TSFLANNEL_DOCKER_ENV_KEY',
      helpGroup: 'DOCKER',
    }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(DockerApply);
    const file = flags['docker-env-file'];
    const request = {
      subnetFile: flags['subnet-file'],
      stateDir: flags['state-dir'],
      configFile: flags['config-file'],
      socket: flags['docker-socket'],
      wish: {
        docker0Length: flags['docker0-length'],
        envFile: file === undefined ? undefined : { path: file, key: flags['docker-env-key'] },
      },
      dryRun: flags['dry-run'],
      stopContainers: flags['stop-containers'],
    };
    const { applyDocker } = await import('../../docker/apply.ts');
    const { withDocker } = await import('../../host/docker.ts');
    const place = { runDir: flags['run-dir'], yes: flags.yes };
    const outcome = await withDocker(place, (parts) => applyDocker(request, parts));
    return {
      data: { ...outcome, dryRun: request.dryRun },
      text: dockerText(outcome, request.dryRun, 'Docker has the leased subnet'),
    };
  }
}
