/** The kernel’s objects against what this node wants, kind by kind; and what others have left where ours belong. */
import type { PlanStep } from '../control/protocol.ts';
import { type Kind, OWN } from '../kernel/state.ts';
import { printMac } from '../model/mac.ts';
import { type Check, fail, faults, isNode, ok, on, skip, type Verdict, warn } from './check.ts';
import type { Evidence } from './evidence.ts';

/** Nothing is missing on a host that is no node: it has neither a daemon nor a lease. */
const onNode = (evidence: Evidence, judge: (steps: readonly PlanStep[]) => Verdict): Verdict =>
  isNode(evidence) ? on(evidence.plan, judge) : skip('this host is no node yet');

const WORDS = { create: 'missing', replace: 'wrong', remove: 'left over', blocked: 'blocked' } as const;

const describe = ({ action, object }: PlanStep): string => `${WORDS[action]}: ${object}`;

/** Objects of these kinds that are missing or wrong. */
const asWanted =
  (kinds: readonly Kind[], fine: string) =>
  (evidence: Evidence): Verdict =>
    onNode(evidence, (steps) => {
      const open = steps.filter(
        ({ kind, action }) => kinds.includes(kind) && (action === 'create' || action === 'replace'),
      );
      return faults(open.map(describe), fine);
    });

/** Without a daemon nobody carries packets of backend udp but programs in the kernel. */
function carrier(evidence: Evidence): Verdict {
  const { network } = evidence;
  if ('seen' in network && network.seen.network.backend.type !== 'udp')
    return skip('the kernel itself carries the packets');
  return asWanted(['carrier', 'forward'], 'the carrier knows every peer')(evidence);
}

const blocked = (evidence: Evidence): Verdict =>
  onNode(evidence, (steps) =>
    faults(
      steps.filter(({ action }) => action === 'blocked').map(({ object, because }) => `${object}: ${because}`),
      'nothing stands in the way',
    ),
  );

const stale = (evidence: Evidence): Verdict =>
  onNode(evidence, (steps) =>
    faults(steps.filter(({ action }) => action === 'remove').map(describe), 'nothing is left over'),
  );

/** Objects with our mark on a host that is no node. */
function abandoned(evidence: Evidence): Verdict {
  if (isNode(evidence)) return skip('this host is a node');
  return on(evidence.kernel, (state) => {
    const ours = [...state].filter(([, { ours: own, object }]) => own && object.kind !== 'file').map(([key]) => key);
    return faults(ours, 'nothing of a former node is left', warn);
  });
}

/** Devices and rules by flanneld’s names and without our mark. */
function flannelLeft({ kernel, filters }: Evidence): Verdict {
  return on(kernel, (state) => {
    const links = [...state.values()].flatMap(({ object, ours }) =>
      object.kind === 'link' && !ours && /^flannel(?:0|\.\d+|-wg)$/.test(object.name) ? [`device ${object.name}`] : [],
    );
    const text = 'seen' in filters ? `${filters.seen.nft ?? ''}\n${filters.seen.legacy ?? ''}` : '';
    const chains = [...new Set(text.match(/^:FLANNEL-\w+/gm))].map((line) => `chain ${line.slice(1)}`);
    return faults([...links, ...chains], 'nothing of flanneld is left', warn);
  });
}

function mac({ network, kernel }: Evidence): Verdict {
  return on(network, ({ own, network: { backend } }) =>
    on(kernel, (state) => {
      if (backend.type !== 'vxlan' || own?.peer.type !== 'vxlan')
        return skip('the backend has no VXLAN device of ours');
      const name = `flannel.${backend.vni}`;
      const link = state.get(`link/${name}`)?.object;
      if (link?.kind !== 'link' || !link.mac) return skip(`there is no ${name}`);
      const [has, says] = [printMac(link.mac), printMac(own.peer.mac)];
      return has === says ? ok(`${name} has ${has}`) : fail(`${name} has ${has}, the lease says ${says}`);
    }),
  );
}

export const kernelChecks: readonly Check[] = [
  {
    id: 'device',
    group: 'kernel',
    title: 'the network’s device is as it should be',
    why: 'packets to other nodes go into it; a daemon that runs makes it again within a second (flannel-io/flannel#869)',
    fix: ['tsflannel plan', 'tsflannel up --detach'],
    judge: asWanted(['link', 'address'], 'device and address are there'),
  },
  {
    id: 'device-mac',
    group: 'kernel',
    title: 'the VXLAN device has the MAC address that its lease tells',
    why: 'peers send frames to the MAC of the lease, which another one does not take (systemd’s MACAddressPolicy: flannel-io/flannel#1155)',
    fix: ['tsflannel plan', 'tsflannel up --detach'],
    judge: mac,
  },
  {
    id: 'carrier',
    group: 'kernel',
    title: 'the carrier of backend udp runs and knows every peer',
    why: 'nobody else puts packets into datagrams',
    fix: ['tsflannel status', 'tsflannel up --detach'],
    judge: carrier,
  },
  {
    id: 'routes',
    group: 'kernel',
    title: 'there is a route to every peer’s subnet',
    why: 'packets to its containers go nowhere, or to the default gateway',
    fix: ['tsflannel routes', 'tsflannel up --detach'],
    judge: asWanted(['route'], 'all are there'),
  },
  {
    id: 'neighbours',
    group: 'kernel',
    title: 'every peer’s VXLAN end is known',
    why: 'without its neighbour and forwarding entries the kernel does not know where to send the frames',
    fix: ['tsflannel plan', 'tsflannel up --detach'],
    judge: asWanted(['neighbour', 'fdb'], 'all are there'),
  },
  {
    id: 'rules',
    group: 'kernel',
    title: 'our packet filter rules are in place',
    why: 'without them the host’s filters may drop the containers’ packets, or rewrite their addresses',
    fix: ['tsflannel plan', 'tsflannel up --detach'],
    judge: asWanted(['chain', 'jump', 'guard', 'source'], 'all are there'),
  },
  {
    id: 'blocked',
    group: 'kernel',
    title: 'nothing of another program stands where ours belongs',
    why: 'what has no mark of ours is never replaced: it has to be taken away by whoever made it',
    fix: ['tsflannel plan', 'tsflannel routes'],
    judge: blocked,
  },
  {
    id: 'stale',
    group: 'kernel',
    title: 'nothing is left of peers that are gone',
    why: 'packets to those subnets go to a node that is not there; a daemon that starts removes it (flannel-io/flannel#2554)',
    fix: ['tsflannel plan', 'tsflannel up --detach'],
    judge: stale,
  },
  {
    id: 'abandoned',
    group: 'kernel',
    title: 'nothing is left of a former node',
    why: `a daemon was killed and its lease has ended; objects with the mark ${OWN.comment} stay until down or up`,
    fix: ['tsflannel down', 'tsflannel up --detach'],
    judge: abandoned,
  },
  {
    id: 'flanneld-left',
    group: 'kernel',
    title: 'nothing is left of flanneld',
    why: 'its devices and rules stay when it ends; ours cannot take the names that it holds',
    fix: ['ip link delete dev flannel.1', 'ip link delete dev flannel0', 'iptables-save'],
    judge: flannelLeft,
  },
];
