import type { Finding } from '../../src/doctor/check.ts';
import { judgeAll } from '../../src/doctor/doctor.ts';
import type { Evidence, FilterEvidence } from '../../src/doctor/evidence.ts';

const unseen = { unseen: 'nobody looked' } as const;

/** A host of which nothing could be learned but what every host has. */
export const evidenceOf = (parts: Partial<Evidence> = {}): Evidence => ({
  host: {
    ...{ root: true, release: '6.1.0-18-amd64', nodeVersion: 'v24.0.0', btf: true },
    ...{ tun: { seen: true }, vxlan: { seen: true }, synchronised: { seen: true }, offload: unseen },
    ...{ sysctls: new Map([['net.ipv4.ip_forward', '1']]), programs: new Set(), ports: [], counters: new Map() },
    ...{ now: new Date('2026-11-22T12:00:00Z'), nameservers: [], secrets: [], folders: [] },
    subnetFile: { path: '/run/flannel/subnet.env' },
  },
  ...{ clientConfig: unseen, iface: unseen, kernel: unseen, filters: unseen, etcd: unseen, network: unseen },
  ...{ plan: unseen, peers: unseen, docker: unseen },
  daemon: { ping: unseen, status: unseen, routes: unseen },
  ...parts,
});

/** A running daemon, as far as a check asks. */
export const running: Pick<Evidence, 'daemon'> = {
  daemon: { pid: 7, ping: { seen: { pid: 7, ready: true } }, status: unseen, routes: unseen },
};

/** What one check says of this evidence. */
export const finding = (id: string, evidence: Partial<Evidence>): Finding => judgeAll(evidenceOf(evidence), [id])[0]!;

/** Filters as iptables-nft prints them. */
export const filtersOf = (nft: string, more: Partial<FilterEvidence> = {}): Pick<Evidence, 'filters'> => ({
  filters: { seen: { plain: 'nft', nft, strangers: [], ...more } },
});
