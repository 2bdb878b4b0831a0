/** Docker: docker0 and its daemon’s options against the lease. */
import type { Address, KernelState } from '../kernel/state.ts';
import { containsIp, printIp, printPrefix } from '../model/address.ts';
import { parseSubnetEnv, type SubnetEnv } from '../model/subnet-env.ts';
import { type Check, fail, faults, ok, on, skip, type Verdict, warn } from './check.ts';
import type { DockerEvidence, Evidence, Looked } from './evidence.ts';

const BRIDGE = 'docker0';

const addressesOf = (state: KernelState): Address[] =>
  [...state.values()].flatMap(({ object }) =>
    object.kind === 'address' && object.device === BRIDGE && object.ip.family === 4 ? [object] : [],
  );

const linkOf = (state: KernelState) => {
  const link = state.get(`link/${BRIDGE}`)?.object;
  return link?.kind === 'link' ? link : undefined;
};

/** What Docker is to be told; subnet.env is the daemon's word. */
function envOf({ host }: Evidence): Looked<SubnetEnv> {
  const { path, text } = host.subnetFile;
  if (text === undefined) return { unseen: `there is no ${path}` };
  const parsed = parseSubnetEnv(text, path);
  return parsed.ok ? { seen: parsed.value } : { unseen: `${path} is not valid` };
}

const cidr = ({ subnet }: SubnetEnv): string => `${printIp(subnet.ip)}/${subnet.length}`;

function running(evidence: Evidence): Verdict {
  const { docker, host } = evidence;
  if ('seen' in docker) return ok(`Docker ${docker.seen.version} at ${docker.seen.socket}`);
  return host.programs.has('dockerd') ? warn(docker.unseen) : skip('no dockerd runs in this network namespace');
}

function bridge(evidence: Evidence): Verdict {
  return on(evidence.kernel, (state) => {
    if (!linkOf(state)) return skip('there is no docker0');
    return on(envOf(evidence), (env) => {
      const has = addressesOf(state).map(({ ip, length }) => `${printIp(ip)}/${length}`);
      if (has.includes(cidr(env))) return ok(`docker0 has ${cidr(env)}`);
      return fail(`docker0 has ${has.join(' ') || 'no address'}, the lease gives ${cidr(env)}`);
    });
  });
}

/** Docker's names of the host's ends of its containers' wires. The bridge itself takes the least of them. */
const isContainers = (name: string): boolean => /^veth[0-9a-f]{7}$/.test(name);

function containersMtu(evidence: Evidence): Verdict {
  return on(evidence.kernel, (state) =>
    on(envOf(evidence), ({ mtu }) => {
      const wires = [...state.values()].flatMap(({ object }) =>
        object.kind === 'link' && isContainers(object.name) ? [object] : [],
      );
      if (wires.length === 0) return skip('no container runs');
      const large = wires.filter((wire) => wire.mtu > mtu).map((wire) => `${wire.name} has MTU ${wire.mtu}`);
      return faults(large, `${wires.length} containers have MTU ${mtu} or less`);
    }),
  );
}

/** Options of the running daemon that differ from the lease's. */
function differences(docker: DockerEvidence, env: SubnetEnv): string[] {
  const gateway = printIp(env.subnet.ip);
  return [
    ...(docker.gateway !== gateway ? [`bip is ${docker.gateway ?? 'not set'}, not ${cidr(env)}`] : []),
    ...(docker.mtu !== env.mtu ? [`mtu is ${docker.mtu ?? 'not set'}, not ${env.mtu}`] : []),
    ...(docker.ipMasq === env.ipMasq
      ? [
          `ip-masq is ${docker.ipMasq}, and so is the daemon's: ${env.ipMasq ? 'packets are masqueraded twice' : 'nobody masquerades'}`,
        ]
      : []),
  ];
}

function options(evidence: Evidence): Verdict {
  return on(evidence.docker, (docker) =>
    on(envOf(evidence), (env) => {
      const list = differences(docker, env);
      return list.length === 0 ? ok('bip, mtu and ip-masq are those of the lease') : fail(list.join('; '));
    }),
  );
}

/** Bridges of Docker's other networks are in the network, but not in our subnet. */
function pools(evidence: Evidence): Verdict {
  return on(evidence.kernel, (state) =>
    on(evidence.network, ({ network: { network }, own }) => {
      const inside = [...state.values()].flatMap(({ object }) =>
        object.kind === 'address' &&
        /^br-[0-9a-f]{12}$/.test(object.device) &&
        containsIp(network, object.ip) &&
        !(own && containsIp(own.subnet, object.ip))
          ? [`${object.device} has ${printIp(object.ip)}/${object.length}`]
          : [],
      );
      return inside.length === 0
        ? ok(`no other network of Docker’s is in ${printPrefix(network)}`)
        : fail(inside.join('; '));
    }),
  );
}

export const dockerChecks: readonly Check[] = [
  {
    id: 'docker',
    group: 'docker',
    title: 'Docker answers',
    why: 'its options cannot be compared with the lease',
    fix: ['systemctl status docker', 'tsflannel docker apply --help'],
    judge: running,
  },
  {
    id: 'docker0',
    group: 'docker',
    title: 'docker0 is in the leased subnet',
    why: 'containers have addresses that other nodes do not know; after a boot Docker may have come before the daemon (flannel-io/flannel#1393)',
    fix: ['tsflannel docker apply'],
    judge: bridge,
  },
  {
    id: 'docker-options',
    group: 'docker',
    title: 'Docker runs with the options of the lease',
    why: 'at its next start docker0 would get another subnet, or containers another MTU; twice masqueraded packets hide who sent them',
    fix: ['tsflannel docker apply'],
    judge: options,
  },
  {
    id: 'docker-mtu',
    group: 'docker',
    title: 'containers send no larger packets than the network takes',
    why: 'they were started before Docker had the MTU: larger packets do not fit through the tunnel, connections hang',
    fix: ['tsflannel docker apply', 'docker restart --help'],
    judge: containersMtu,
  },
  {
    id: 'docker-pools',
    group: 'docker',
    title: 'Docker’s other networks take no subnets of other nodes',
    why: 'Docker gives its own networks 172.18.0.0/16 and up: containers could not reach the nodes that lease those',
    fix: ['docker network ls', 'tsflannel config set --network 10.5.0.0/16 --help'],
    judge: pools,
  },
];
