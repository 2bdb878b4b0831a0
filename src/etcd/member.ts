import { type Ip, printIp } from '../model/address.ts';
import { type Endpoint, parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { type ClusterMember, printCluster } from './cluster.ts';
import type { V3Registry } from './discovery-v3.ts';
import { type Identity, PEER_NAME } from './pki.ts';
import { certFile, clientFiles, keyFile } from './pki-files.ts';
import type { Srv } from './srv.ts';

/** How a member's cluster comes about. */
export type Bootstrap =
  /** A cluster of this member alone; the token keeps its id apart from the id of any other. */
  | { readonly kind: 'alone'; readonly token: string }
  | {
      readonly kind: 'static';
      readonly cluster: readonly ClusterMember[];
      /** Where in the DNS they were found. */
      readonly srv?: Srv;
    }
  | {
      readonly kind: 'discovery';
      readonly url: string;
      /** The service and size from which `init` got the URL, when it asked for it itself. */
      readonly asked?: { readonly base: string; readonly size: number };
      /** The founding members, once all have come. */
      readonly cluster?: readonly ClusterMember[];
    }
  /** v3 discovery. */
  | { readonly kind: 'v3'; readonly registry: V3Registry; readonly cluster?: readonly ClusterMember[] }
  /** Added to a cluster that runs. */
  | {
      readonly kind: 'joined';
      /** The join service, `https://address:port`: it adds the member, promotes it and renews its certificates. */
      readonly via: string;
      /** The members to start with, this one among them, once it was added. */
      readonly cluster?: readonly ClusterMember[];
    };

/** One etcd member of this host, as `init` made it: all that is needed to start it again. Kept in the marker file beside the data dir. */
export interface Member {
  readonly name: string;
  readonly bootstrap: Bootstrap;
  /** The address other members and clients reach this one at; it is an address of this host. */
  readonly ip: Ip;
  /** The name that stands for the address in its peer URL, where it has one. */
  readonly host?: string;
  /** The etcd program, absolute. Absent: the one in PATH. */
  readonly etcd?: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Absolute. */
  readonly dataDir: string;
  /** Folder of its keys and certificates, absolute: it speaks TLS. Absent: plain http. */
  readonly pki?: string;
  /** Port of the join service, which runs where the CA key is. */
  readonly joinPort?: number;
  /** A systemd unit runs its supervisor. */
  readonly systemd?: true;
  /** The cluster's id in hexadecimal, once it was healthy: from then on an empty data dir means lost data, not a new member. */
  readonly clusterId?: string;
}

/** Where what belongs to a member lies: beside its data dir, and, what dies with the machine, in the run dir. */
export const memberFile = (dataDir: string): string => `${dataDir}.member.json`;
export const logFile = (dataDir: string): string => `${dataDir}.log`;
export const pidFile = (runDir: string): string => `${runDir}/etcd.pid`;
export const stateFile = (runDir: string): string => `${runDir}/etcd.json`;

const endpoint = ({ pki }: Member, ip: Ip, port: number): Endpoint => ({
  secure: pki !== undefined,
  host: ip.family === 6 ? `[${printIp(ip)}]` : printIp(ip),
  ip,
  port,
});

const LOOPBACK: Ip = { family: 4, value: 0x7f000001n };

/** Where it listens for other members. */
export const peerListenUrl = (member: Member): Endpoint => endpoint(member, member.ip, member.peerPort);
/** Where the others find it. */
export const peerUrl = (member: Member): Endpoint => ({
  ...peerListenUrl(member),
  ...(member.host !== undefined && { host: member.host }),
});
export const clientUrl = (member: Member): Endpoint => endpoint(member, member.ip, member.clientPort);
/** The member's client port on this host itself, the same whatever its address is. */
export const localUrl = (member: Member): Endpoint => endpoint(member, LOOPBACK, member.clientPort);

/** How clients on this host reach the member: its TLS files. */
export const accessOf = ({ pki }: Member): { caFile?: string; certFile?: string; keyFile?: string } =>
  pki === undefined ? {} : clientFiles(pki);

/** The member as one of the cluster's founders. */
export const founder = (member: Member): ClusterMember => ({ name: member.name, peerUrls: [peerUrl(member)] });

/** The members that make up its cluster at first. */
export function founders(member: Member): readonly ClusterMember[] {
  const { bootstrap } = member;
  return bootstrap.kind === 'alone' ? [founder(member)] : (bootstrap.cluster ?? [founder(member)]);
}

function token(bootstrap: Bootstrap): string {
  if (bootstrap.kind === 'alone') return bootstrap.token;
  if (bootstrap.kind === 'discovery') return bootstrap.url;
  // etcd's own defaults, so that members started by hand form one cluster with ours.
  return bootstrap.kind === 'v3' ? bootstrap.registry.token : 'etcd-cluster';
}

/**
 * What keeps a member small for years: history older than 8 hours goes by itself (a watcher that was away for longer lists anew), the log is folded every 10 000 entries as etcd 3.6 does by itself, and a database that grows in spite of it stops at 2 GiB,
 * where `etcd status` says so. None of it is in the data: a member made before gets it when it starts again.
 */
const KEEPING = [
  '--auto-compaction-mode=periodic',
  '--auto-compaction-retention=8h',
  '--snapshot-count=10000',
  `--quota-backend-bytes=${2 * 1024 ** 3}`,
] as const;

/** Whom this host's certificates are for. */
export function identitiesOf(member: Member): readonly Identity[] {
  const srv = member.bootstrap.kind === 'static' ? member.bootstrap.srv : undefined;
  // An etcd that was started with --discovery-srv asks its peers for a certificate of the domain.
  const names = [member.name, member.host, srv?.domain].filter((name) => name !== undefined);
  const hosts = [...new Set(names.filter((name) => /^[A-Za-z0-9.-]+$/.test(name)))];
  return (['server', 'peer', 'client'] as const).map((kind) => ({ kind, name: member.name, ips: [member.ip], hosts }));
}

/** Who may do all in this member's cluster; only for a host that has the CA key, and with it could be anybody. */
export const rootOf = ({ name }: Member): Identity => ({ kind: 'root', name, ips: [], hosts: [] });

/** Clients and peers must show a certificate of the CA; a peer's must be a peer's, so that no client comes in as one. */
function tlsArgs({ pki }: Member): readonly string[] {
  if (pki === undefined) return [];
  return [
    `--cert-file=${certFile(pki, 'server')}`,
    `--key-file=${keyFile(pki, 'server')}`,
    '--client-cert-auth',
    `--trusted-ca-file=${certFile(pki, 'ca')}`,
    `--peer-cert-file=${certFile(pki, 'peer')}`,
    `--peer-key-file=${keyFile(pki, 'peer')}`,
    '--peer-client-cert-auth',
    `--peer-trusted-ca-file=${certFile(pki, 'ca')}`,
    `--peer-cert-allowed-cn=${PEER_NAME}`,
  ];
}

/**
 * Arguments and environment of the etcd process (3.4 and later). `initial-…` count only while the data dir is empty. The token goes by the
 * environment: a discovery URL in `ps` would let any user of the host into a cluster that is still forming.
 */
export function etcdCommand(member: Member, arch: string): { args: readonly string[]; env: Record<string, string> } {
  const listen = [...new Set([printEndpoint(clientUrl(member)), printEndpoint(localUrl(member))])];
  const args = [
    `--name=${member.name}`,
    `--data-dir=${member.dataDir}`,
    `--listen-client-urls=${listen.join(',')}`,
    `--advertise-client-urls=${printEndpoint(clientUrl(member))}`,
    `--listen-peer-urls=${printEndpoint(peerListenUrl(member))}`,
    `--initial-advertise-peer-urls=${printEndpoint(peerUrl(member))}`,
    `--initial-cluster=${printCluster(founders(member))}`,
    `--initial-cluster-state=${member.bootstrap.kind === 'joined' ? 'existing' : 'new'}`,
    ...tlsArgs(member),
    ...KEEPING,
    '--logger=zap',
    '--log-outputs=stderr',
  ];
  const env: Record<string, string> = { ETCD_INITIAL_CLUSTER_TOKEN: token(member.bootstrap) };
  // etcd 3.4 refuses to run on arm64 without being told to.
  if (arch === 'arm64') env.ETCD_UNSUPPORTED_ARCH = 'arm64';
  return { args, env };
}

/** Whether an endpoint means this member's peer URL. */
export const isOwnPeerUrl = (member: Member, url: string): boolean => {
  const endpoint = parseEndpoint(url, 'peer', 0);
  return endpoint.ok && printEndpoint(endpoint.value) === printEndpoint(peerUrl(member));
};
