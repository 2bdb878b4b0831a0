/** One line of `routes` and `leases`: etcd and kernel joined. Everything is rendered from numbers. */
export interface RouteRow {
  readonly key: string;
  readonly subnet: string;
  readonly node: string;
  readonly publicIp: string;
  readonly backend: string;
  readonly state: 'this node' | 'ok' | 'missing' | 'blocked' | 'unreachable' | 'foreign' | 'rejected';
  readonly device?: string;
  readonly nextHop?: string;
  readonly detail?: string;
  /** Decimal; "0" is a reservation. */
  readonly leaseId?: string;
  /** Seconds since the last renewal and until the end, where etcd told. */
  readonly age?: number;
  readonly left?: number;
}
