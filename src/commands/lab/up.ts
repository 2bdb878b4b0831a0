import { Flags } from '@oclif/core';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { table } from '../../output/table.ts';

const BACKENDS = ['udp', 'vxlan', 'host-gw'] as const;

export default class LabUp extends TsflannelCommand {
  static override description =
    'Bring up a cluster on this one machine: namespaces as nodes, real etcd, tsflannel on each, and with --docker a real dockerd each.';
  static override examples = [
    '<%= config.bin %> lab up --nodes 3 --backend vxlan --docker --discovery',
    '<%= config.bin %> lab up --name big --nodes 20 --network 10.5.0.0/16',
  ];
  static override flags = {
    name: Flags.string({ description: 'name of the lab', default: 'lab' }),
    nodes: Flags.integer({ description: 'number of nodes', default: 3, min: 1 }),
    backend: Flags.option({ options: BACKENDS, description: 'how packets travel', default: 'udp' as const })(),
    network: Flags.string({
      description: 'network to lease subnets from',
      default: '172.17.0.0/16',
      helpValue: 'CIDR',
    }),
    'etcd-members': Flags.integer({ description: 'nodes that run etcd (default: 3, or 1 with fewer nodes)', min: 1 }),
    docker: Flags.boolean({ default: false, description: 'a dockerd on each node' }),
    bare: Flags.boolean({ default: false, description: 'only the nodes: type init, config set and up there yourself' }),
    discovery: Flags.boolean({ default: false, description: 'bootstrap etcd through a discovery service of the lab' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(LabUp);
    const { labUp, labsDir, subnetOf } = await import('../../lab/index.ts');
    const started = performance.now();
    const spec = {
      ...{ name: flags.name, size: flags.nodes, backend: flags.backend, network: flags.network },
      ...{ docker: flags.docker, discovery: flags.discovery, bare: flags.bare },
      etcdMembers: flags['etcd-members'] ?? (flags.nodes < 3 ? 1 : 3),
    };
    const lab = await labUp(spec, labsDir(), (line) => notice(`lab: ${line}`));
    const seconds = (performance.now() - started) / 1000;
    const rows = await Promise.all(
      lab.nodes.map(async (node) => [node.name, node.namespace, node.ip, (await subnetOf(node)) ?? '']),
    );
    const named = flags.name === 'lab' ? '' : ` --name ${flags.name}`;
    const text = [
      table(['node', 'namespace', 'underlay', 'subnet'], rows),
      '',
      `up in ${seconds.toFixed(1)} s; try:  tsflannel lab exec${named} n1 -- tsflannel ${flags.bare ? 'init' : 'routes'}`,
      `end it with:  tsflannel lab down${named}`,
    ].join('\n');
    return { data: { ...lab, seconds }, text };
  }
}
