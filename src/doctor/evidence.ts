import type { DaemonStatus, PlanStep, Requests } from '../control/protocol.ts';
import type { KernelState } from '../kernel/state.ts';
import type { Ip, Prefix } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Lease } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { Parsed, Rejection } from '../model/parsed.ts';
import type { DockerRow } from '../model/report.ts';
import type { MemberInfo, MemberStatus } from '../store/kv.ts';
import type { Alarm } from '../store/maintenance.ts';

/** What was seen, or why nobody could look; `code` is that of the error that stood in the way. */
export type Looked<T> = { readonly seen: T } | { readonly unseen: string; readonly code?: string };

/** A UDP socket of this network namespace. */
export interface BoundPort {
  readonly ip: Ip;
  readonly port: number;
}

/** A file as far as it is judged: what it must not show, whom. */
export interface SecretFile {
  readonly path: string;
  readonly mode: number;
}

export interface FolderState {
  readonly path: string;
  /** Why nothing can be written there. */
  readonly problem?: string;
  readonly freeBytes?: number;
}

/** The machine itself. */
export interface HostEvidence {
  readonly root: boolean;
  /** `6.1.0-18-amd64`. */
  readonly release: string;
  readonly nodeVersion: string;
  readonly tun: Looked<true>;
  /** Whether the kernel can make VXLAN devices. */
  readonly vxlan: Looked<boolean>;
  readonly btf: boolean;
  /** By name; those that the kernel does not have are missing. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** Names of programs that run in this network namespace, of those that matter here. */
  readonly programs: ReadonlySet<string>;
  readonly ports: readonly BoundPort[];
  /** Counters of /proc/net/snmp, as `UdpInCsumErrors`. */
  readonly counters: ReadonlyMap<string, number>;
  readonly synchronised: Looked<boolean>;
  readonly now: Date;
  readonly nameservers: readonly Ip[];
  readonly secrets: readonly SecretFile[];
  readonly folders: readonly FolderState[];
  readonly subnetFile: { readonly path: string; readonly text?: string; readonly mode?: number };
  /** Whether NetworkManager is told to keep off our devices; `undefined`: it does not run. */
  readonly networkManagerKeepsOff?: boolean;
  /** Features of our device by `ethtool -k`. */
  readonly offload: Looked<ReadonlyMap<string, boolean>>;
}

/** Packet filters as the tools print them; pure text, judged line by line. */
export interface FilterEvidence {
  /** What plain `iptables` is; `undefined`: there is none. */
  readonly plain?: 'nft' | 'legacy';
  /** Output of `iptables-save` of each flavour; absent where it is not installed or has no table here. */
  readonly nft?: string;
  readonly legacy?: string;
  /** Base chains of nftables that are not iptables' own, with what they do at their end. */
  readonly strangers: readonly ForeignChain[];
}

export interface ForeignChain {
  readonly table: string;
  readonly name: string;
  readonly hook: string;
  readonly policy: 'accept' | 'drop';
  /** It has a rule that drops whatever comes to it. */
  readonly dropsAll: boolean;
}

/** One endpoint, step by step; a step that was not reached is unseen. */
export interface EndpointEvidence {
  readonly endpoint: Endpoint;
  /** `http://host:port`. */
  readonly url: string;
  readonly addresses: Looked<readonly string[]>;
  readonly tcp: Looked<true>;
  readonly tls: Looked<TlsEvidence>;
  readonly status: Looked<MemberStatus>;
  /** Seconds its clock is before (+) or behind (-) ours. */
  readonly skew: Looked<number>;
}

export interface TlsEvidence {
  /** Why our side does not trust it; `undefined`: it does. */
  readonly distrust?: string;
  readonly validTo: Date;
}

/** A certificate of ours on disk. */
export interface OwnCertificate {
  readonly path: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

export interface EtcdEvidence {
  readonly prefix: string;
  readonly endpoints: readonly EndpointEvidence[];
  /** Whether the TLS files are usable, and ours. */
  readonly files: Looked<readonly OwnCertificate[]>;
  readonly members: Looked<readonly MemberInfo[]>;
  readonly alarms: Looked<readonly Alarm[]>;
  /** Writing below the prefix is allowed. */
  readonly writable: Looked<true>;
  /** The config as it stands; `undefined`: there is none. */
  readonly config: Looked<Parsed<NetworkConfig> | undefined>;
  /** Other prefixes that have a config; looked for only where ours has none. */
  readonly elsewhere: readonly string[];
  /** The v2 store has a config of flannel's; looked for only where v3 has none. */
  readonly v2: Looked<boolean>;
}

/** What etcd says of the network, and what this host should look like then. */
export interface NetworkEvidence {
  readonly network: NetworkConfig;
  readonly leases: ReadonlyMap<string, Lease>;
  readonly rejections: ReadonlyMap<string, Rejection>;
  readonly usage: Requests['routes']['usage'];
  readonly nodeId: string;
  /** Our lease. */
  readonly own?: Lease;
  /** Seconds left and granted of our lease. */
  readonly time?: { readonly left: number; readonly granted: number };
  /** When it was read, where it is not etcd's word but that of the disk. */
  readonly savedAt?: string;
}

export interface DaemonEvidence {
  /** Process of the pid file, if it lives. */
  readonly pid?: number;
  readonly ping: Looked<Requests['ping']>;
  readonly status: Looked<DaemonStatus>;
  readonly routes: Looked<Requests['routes']>;
}

/** One peer, tried just now. Sizes are bytes of the whole IPv4 packet. */
export interface PeerEvidence {
  readonly lease: Lease;
  /** Answers ping at its public address. */
  readonly underlay: boolean;
  /** Largest packet that it answers there, unfragmented. */
  readonly underlayMtu?: number;
  /** Answers ping at its end of the tunnel; `undefined`: the backend has none. */
  readonly overlay?: boolean;
  readonly overlayMtu?: number;
  /** Device that the kernel's routes name for its public address. */
  readonly device?: string;
}

/** The interface packets to the peers go out by. */
export interface InterfaceEvidence {
  readonly name: string;
  readonly mtu: number;
  readonly ip: Ip;
  readonly onLink: readonly Prefix[];
}

/** Everything the checks judge; each part is gathered by itself, and may be missing by itself. */
export interface Evidence {
  readonly host: HostEvidence;
  readonly clientConfig: Looked<string>;
  readonly iface: Looked<InterfaceEvidence>;
  readonly kernel: Looked<KernelState>;
  readonly filters: Looked<FilterEvidence>;
  readonly etcd: Looked<EtcdEvidence>;
  readonly network: Looked<NetworkEvidence>;
  /** What would change on this host, and why. */
  readonly plan: Looked<readonly PlanStep[]>;
  readonly daemon: DaemonEvidence;
  readonly peers: Looked<readonly PeerEvidence[]>;
  /** The rows of `docker status`. */
  readonly docker: Looked<readonly DockerRow[]>;
}
