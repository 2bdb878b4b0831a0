import { Flags } from '@oclif/core';
import { TsflannelError } from '../errors.ts';
import { readTokenText } from '../etcd/join-report.ts';
import { printToken } from '../etcd/join-token.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { cloudConfig } from '../service/cloud-init.ts';
import { checkFlags } from '../service/service.ts';

const firstNode = (network: string, backend: string | undefined) =>
  ({ kind: 'first', network, ...(backend !== undefined && { backend }) }) as const;

export default class CloudInit extends TsflannelCommand {
  static override summary = 'Print user-data that makes a new machine a node.';
  static override description =
    'The first node (--network) begins the cluster; the others (--token) join it by a token of tsflannel token create.\n' +
    'What stands behind -- goes to tsflannel up. The token is in the user-data: give it a short life, and one to each machine.';
  static override examples = [
    '<%= config.bin %> cloud-init --network 172.17.0.0/16 -- --ip-masq',
    { description: 'a host that joins; the token by stdin', command: '<%= config.bin %> cloud-init --token -' },
  ];
  static override strict = false;
  static override flags = {
    network: Flags.string({ description: 'the first node: network that all containers share', exclusive: ['token'] }),
    backend: Flags.string({ description: 'the first node: how packets travel', dependsOn: ['network'] }),
    token: Flags.string({
      description: 'another node: the token; - reads it from stdin',
    }),
    install: Flags.string({
      description: 'command that brings tsflannel to the machine',
      default: 'npm install --global tsflannel',
    }),
    packages: Flags.string({
      description: 'packages of the distribution, separated by commas',
      default: 'docker.io,etcd-server,iptables,nodejs,npm',
    }),
    docker: Flags.boolean({ description: 'give Docker the subnet', default: true, allowNo: true }),
  };

  override async execute(): Promise<Result> {
    const { flags, argv } = await this.parse(CloudInit);
    const { network, backend } = flags;
    const token = network === undefined ? await readTokenText(flags.token, undefined) : undefined;
    const role =
      network === undefined
        ? token && ({ kind: 'join', token: printToken(token) } as const)
        : firstNode(network, backend);
    if (!role)
      throw new TsflannelError('USAGE', { detail: 'either --network (the first node) or --token (another one)' });
    const text = cloudConfig({
      role,
      flags: checkFlags(argv as string[]),
      install: flags.install,
      packages: flags.packages.split(',').filter((name) => name !== ''),
      docker: flags.docker,
    });
    return { data: { userData: text }, text };
  }
}
