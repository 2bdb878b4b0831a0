/** What the kernel can do, by what the backends need of it. */
import { type Check, fail, ok, on, repairable, skip, type Verdict, warn } from './check.ts';
import type { Evidence } from './evidence.ts';

const backendOf = ({ network }: Evidence): string | undefined =>
  'seen' in network ? network.seen.network.backend.type : undefined;

/** What another backend needs is worth a warning only. */
const forBackend = (evidence: Evidence, backend: string, verdict: Verdict): Verdict => {
  const used = backendOf(evidence);
  if (used === backend) return verdict;
  return { ...verdict, result: 'warn', evidence: `${verdict.evidence}; backend ${backend} needs it` };
};

function vxlan(evidence: Evidence): Verdict {
  return on(evidence.host.vxlan, (able) => {
    if (able) return ok('the kernel makes VXLAN devices');
    const missing = fail(`kernel ${evidence.host.release} knows no VXLAN devices`);
    return forBackend(evidence, 'vxlan', repairable(missing, { kind: 'module', name: 'vxlan' }));
  });
}

function tun(evidence: Evidence): Verdict {
  const { tun: looked } = evidence.host;
  if ('seen' in looked) return ok('/dev/net/tun opens');
  return forBackend(evidence, 'udp', repairable(fail(looked.unseen), { kind: 'module', name: 'tun' }));
}

/** From 5.7 on the kernel no longer alters the checksum 0 of a tunnel's datagram when it rewrites addresses (NAT). */
const isOldKernel = (release: string): boolean => {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major < 5 || (major === 5 && minor < 7);
};

function offload({ host, network }: Evidence): Verdict {
  return on(host.offload, (features) => {
    const device =
      'seen' in network && network.seen.network.backend.type === 'vxlan' ? network.seen.network.backend : undefined;
    if (!device) return skip('the backend has no VXLAN device');
    const name = `flannel.${device.vni}`;
    const feature = 'tx-checksum-ip-generic';
    if (features.get(feature) !== true) return ok(`${feature} of ${name} is off`);
    if (!isOldKernel(host.release)) return ok(`kernel ${host.release} has the fix, ${feature} of ${name} may be on`);
    return repairable(fail(`${feature} of ${name} is on, kernel ${host.release} has the fault`), {
      kind: 'offload',
      device: name,
      feature,
    });
  });
}

export const abilityChecks: readonly Check[] = [
  {
    id: 'tun',
    group: 'host',
    title: 'TUN devices can be made',
    why: 'backend udp takes packets from a TUN device (flannel-io/flannel#441)',
    fix: ['modprobe tun'],
    judge: tun,
  },
  {
    id: 'vxlan',
    group: 'host',
    title: 'VXLAN devices can be made',
    why: 'backend vxlan needs the kernel module vxlan; Raspberry Pi kernels have it in a package of its own; backend udp works without',
    fix: ['modprobe vxlan', 'apt-get install linux-modules-extra-raspi', 'tsflannel config set --backend udp --help'],
    judge: vxlan,
  },
  {
    id: 'ebpf',
    group: 'host',
    title: 'the kernel describes its types (BTF)',
    why: 'the fast carrier of backend udp needs it; without it packets go through the slower tun carrier',
    fix: ['tsflannel status'],
    judge: ({ host }) =>
      host.btf ? ok('/sys/kernel/btf/vmlinux is there') : warn('there is no /sys/kernel/btf/vmlinux'),
  },
  {
    id: 'offload',
    group: 'host',
    title: 'the kernel sends right checksums through VXLAN',
    why: 'kernels before 5.7 send wrong outer checksums for packets that were NATed: connections take 63 s, UDP is lost (kubernetes/kubernetes#88986)',
    fix: ['ethtool -K flannel.1 tx-checksum-ip-generic off'],
    judge: offload,
  },
];
