import type { Ip } from '../model/address.ts';
import type { Address } from './health.ts';

/** What a node is started with, parsed. */
export interface NodeOptions {
  readonly stateDir: string;
  readonly runDir: string;
  readonly subnetFile: string;
  readonly ipMasq: boolean;
  readonly publicIp?: Ip;
  /** How long a lease lives unless renewed, in seconds. */
  readonly ttlSeconds: number;
  /** A lease that lives keeps the time it was granted with. */
  readonly keepTtl: boolean;
  /** flanneld's --subnet-lease-renew-margin, in minutes: the lease never has less left than this. */
  readonly renewMarginMinutes: number;
  readonly healthz?: Address;
  /** Where /metrics is. */
  readonly metrics?: Address;
  /** Take over what a stopped flanneld left. */
  readonly adopt?: boolean;
  /** Wait for etcd and for a config instead of failing (how a service starts). */
  readonly patient: boolean;
  /** Between two requests to each peer whether it answers; 0: none is asked. */
  readonly askPeersEveryMs: number;
  readonly version: string;
}
