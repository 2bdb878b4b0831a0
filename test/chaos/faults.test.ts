import { faultTests } from '../support/chaos.ts';

/** The faults that CI has time for; `tsflannel lab chaos` runs all (docs/reliability.md). */
const FAULTS = {
  vxlan: [
    ...[
      'daemon-killed',
      'peer-gone-meanwhile',
      'down-and-up',
      'etcd-leader-killed',
      'compacted-past-the-watch',
      'etcd-wiped',
    ],
    ...['stopped-past-ttl', 'lease-revoked', 'key-deleted', 'key-overwritten', 'interface-recreated'],
    ...[
      'address-changed',
      'route-deleted',
      'fdb-deleted',
      'rules-flushed',
      'device-deleted',
      'foreign-route',
      'env-deleted',
    ],
    ...['hostile-leases', 'same-public-ip', 'second-daemon', 'killed-while-mending'],
    ...['same-mac', 'crowd-joins-and-leaves', 'at-rest', 'programs-watched'],
  ],
  'host-gw': ['daemon-stopped', 'routes-deleted', 'interface-down', 'address-changed', 'rolling-restart'],
  udp: [
    'killed-while-running',
    ...['daemon-killed', 'quorum-lost', 'lease-revoked', 'address-changed', 'config-changed-live', 'device-deleted'],
    'foreign-route',
  ],
} as const;

for (const backend of ['vxlan', 'host-gw', 'udp'] as const)
  describe(`what goes wrong in the field: ${backend}`, () => faultTests(backend, FAULTS[backend]));

/** A thread of the daemon carries: what a killed daemon costs is in the budget of its row. */
describe('what goes wrong in the field: udp, carrier tun', () => faultTests('udp', ['daemon-killed'], 'tun'));

describe("what goes wrong in the field: Docker's containers", () =>
  faultTests('vxlan', ['dockerd-restarted', 'iptables-reloaded'], 'docker'));
