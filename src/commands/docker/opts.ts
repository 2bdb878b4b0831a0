import { Flags } from '@oclif/core';
import { installOpts } from '../../docker/install-opts.ts';
import { IPV6_WAYS, readSubnetEnvKeys, renderDockerOpts } from '../../docker/options.ts';
import { refuseRouted } from '../../docker/routed.ts';
import { writeFileAtomic } from '../../files/atomic.ts';
import { prefixOf } from '../../model/address.ts';
import { SUBNET_ENV } from '../../model/subnet-env.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';

export default class DockerOpts extends TsflannelCommand {
  static override description =
    "Write dockerd's options for the leased subnet into an env file: mk-docker-opts.sh's flags and bytes. " +
    'Without a usable subnet.env nothing is written. Exported DOCKER_OPT_* and the combined variable are taken over.';
  static override examples = [
    '<%= config.bin %> docker opts',
    '<%= config.bin %> docker opts -c -k DOCKER_NETWORK_OPTIONS -d /run/flannel/docker',
    '<%= config.bin %> docker opts --install /usr/local/bin/mk-docker-opts.sh',
    '<%= config.bin %> docker opts --individual --docker-env-file /run/flannel_docker_opts.env',
  ];
  static override flags = {
    'subnet-file': Flags.string({
      char: 'f',
      description: 'the subnet.env to read',
      default: SUBNET_ENV,
      env: 'TSFLANNEL_SUBNET_FILE',
    }),
    'docker-env-file': Flags.string({
      char: 'd',
      description: 'the env file to write',
      default: '/run/docker_opts.env',
      env: 'TSFLANNEL_DOCKER_ENV_FILE',
    }),
    individual: Flags.boolean({ char: 'i', description: 'one DOCKER_OPT_* line an option' }),
    combined: Flags.boolean({ char: 'c', description: 'one line with all options (neither -i nor -c: both)' }),
    'combined-key': Flags.string({ char: 'k', description: 'name of the combined variable', default: 'DOCKER_OPTS' }),
    ipv6: Flags.string({
      description: 'how dockerd is told of a leased IPv6 subnet: fixed-cidr for all versions, bip6 for 28.0 and newer',
      options: [...IPV6_WAYS],
      default: 'fixed-cidr',
    }),
    install: Flags.string({
      description: 'write nothing else but a mk-docker-opts.sh at this path, which runs this command',
      helpValue: '<path>',
    }),
    'omit-ip-masq': Flags.boolean({ char: 'm', description: 'leave --ip-masq out' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(DockerOpts);
    if (flags.install !== undefined) {
      await installOpts(flags.install);
      return { data: { installed: flags.install }, text: `${flags.install} runs tsflannel docker opts` };
    }
    const env = await readSubnetEnvKeys(flags['subnet-file']);
    const content = renderDockerOpts(
      env,
      {
        individual: flags.individual,
        combined: flags.combined,
        key: flags['combined-key'],
        ipMasq: !flags['omit-ip-masq'],
        ipv6: IPV6_WAYS.find((way) => way === flags.ipv6) ?? 'none',
      },
      process.env,
    );
    if (env.subnet) await refuseRouted(prefixOf(env.subnet.ip, env.subnet.length));
    const file = flags['docker-env-file'];
    await writeFileAtomic(file, content);
    return { data: { file, content }, text: '' };
  }
}
