import { ETCD_FAULTS } from './faults/etcd.ts';
import type { Fault } from './faults/fault.ts';
import { LEASE_FAULTS } from './faults/leases.ts';
import { NODE_FAULTS } from './faults/nodes.ts';

export const FAULTS: readonly Fault[] = [...NODE_FAULTS, ...ETCD_FAULTS, ...LEASE_FAULTS];
