/** The objects of backend udp that are no kernel's own: the program that moves its packets, and the entries of its table. */
import type { Ip, Prefix } from '../model/address.ts';
import type { CarrierType, SourceCheck } from '../model/backend-config.ts';

/** The data plane of the udp backend on this device. Carrier `tun` is gone with the daemon; `ebpf` goes on without it. */
export interface Carrier {
  readonly kind: 'carrier';
  /** Wanted: absent where any will do, the best one is taken then. Seen: always there. */
  readonly type?: CarrierType;
  readonly device: string;
  /** Address and UDP port it listens on and sends from. */
  readonly local: Ip;
  readonly port: number;
  readonly mtu: number;
  /** The network all peers share, and our own part of it. */
  readonly network: Prefix;
  readonly subnet: Prefix;
  readonly sourceCheck: SourceCheck;
  /** Packets go from the underlay to the containers past the host's filters, where the programs of `ebpf` can do that. */
  readonly directDelivery: boolean;
}

/** One entry of the carrier's table: inner packets to `subnet` go to `nextHop`; only `nextHop` may send from `subnet`. */
export interface Forward {
  readonly kind: 'forward';
  readonly device: string;
  readonly subnet: Prefix;
  readonly nextHop: Ip;
  readonly port: number;
}
