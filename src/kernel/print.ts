import { printIp, printPrefix } from '../model/address.ts';
import { printMac } from '../model/mac.ts';
import type { FilterChain, FilterJump, FilterRule, Guard, KernelObject, Link, Plan, Source, Step } from './state.ts';

function printLinkType(link: Link['link']): string {
  if (link.type !== 'vxlan') return link.type === 'tun' ? 'tun' : link.detail;
  const flags = `${link.learning ? 'learning' : 'nolearning'}${link.gbp ? ' gbp' : ''}`;
  return `vxlan id ${link.vni} local ${printIp(link.local)} dev ${link.device} dstport ${link.port} ${flags}`;
}

const printLink = (link: Link): string =>
  [
    `link ${link.name} ${printLinkType(link.link)}`,
    `mtu ${link.mtu}`,
    ...(link.mac ? [`address ${printMac(link.mac)}`] : []),
    link.up ? 'up' : 'down',
  ].join(' ');

const side = (
  flag: string,
  match: { prefix: Parameters<typeof printPrefix>[0]; not: boolean } | undefined,
): string[] => (match ? [...(match.not ? ['!'] : []), flag, printPrefix(match.prefix)] : []);

const hex = (n: number): string => `0x${n.toString(16)}`;

/** One rule in iptables' words, in a fixed order: the same rule always prints the same. */
export function printFilterRule(rule: FilterRule): string {
  if ('unknown' in rule) return `unknown: ${rule.unknown}`;
  return [
    ...side('-s', rule.source),
    ...side('-d', rule.destination),
    ...(rule.target === 'TCPMSS' ? ['-p tcp -m tcp --tcp-flags SYN,RST SYN'] : []),
    ...(rule.mark ? ['-m mark --mark', `${hex(rule.mark.value)}/${hex(rule.mark.mask)}`] : []),
    '-j',
    rule.target,
    ...(rule.randomFully ? ['--random-fully'] : []),
    ...(rule.target === 'TCPMSS' ? ['--set-mss', String(rule.mss)] : []),
  ].join(' ');
}

const strayText = ({ stray }: FilterChain | FilterJump): string => (stray ? ` in ${stray}` : '');

function printGuard({ settings, damage }: Guard): string {
  const broken = damage === undefined ? '' : ` (${damage})`;
  if (!settings) return `source-check unreadable${broken}`;
  const { check, network, subnet, underlay, tunnel } = settings;
  const through = tunnel ? ` vxlan id ${tunnel.vni} dstport ${tunnel.port} dev ${tunnel.device}` : '';
  return `source-check ${check} of ${printPrefix(network)} for ${printPrefix(subnet)} from ${underlay}${through}${broken}`;
}

const printSource = ({ subnet, mac, outer, direct }: Source): string =>
  [
    `source ${printPrefix(subnet)}`,
    ...(mac ? [`lladdr ${printMac(mac)}`] : []),
    ...(outer ? [`from ${printIp(outer)}`] : []),
    ...(direct ? ['untunnelled'] : []),
  ].join(' ');

/** An object in iproute2's words; equal objects print the same text, and but for a link's alias and a file's content only they do. */
export function printObject(object: KernelObject): string {
  switch (object.kind) {
    case 'link':
      return printLink(object);
    case 'address':
      return `address ${printIp(object.ip)}/${object.length} dev ${object.device}`;
    case 'route': {
      const via = object.via ? ` via ${printIp(object.via)}` : '';
      return `route ${printPrefix(object.dst)}${via} ${object.deadEnd ?? `dev ${object.device}`}${object.onlink ? ' onlink' : ''}${object.metric ? ` metric ${object.metric}` : ''} proto ${object.protocol}`;
    }
    case 'neighbour':
      return `neighbour ${printIp(object.ip)} lladdr ${printMac(object.mac)} dev ${object.device}`;
    case 'fdb':
      return `fdb ${printMac(object.mac)} dst ${printIp(object.dst)} dev ${object.device}`;
    case 'chain':
      return `chain ${object.table} ${object.name}${strayText(object)} [${object.rules.map(printFilterRule).join('; ')}]`;
    case 'jump':
      return `jump ${object.table} ${object.from} -> ${object.to}${object.first ? ' first' : ''}${object.copies ? ` ${object.copies} times` : ''}${strayText(object)}`;
    case 'sysctl':
      return `sysctl ${object.name}=${object.value}`;
    case 'file':
      return `file ${object.path} mode ${object.mode.toString(8)} (${object.content.length} bytes)`;
    case 'carrier':
      return [
        `carrier ${object.device} ${object.type ?? 'auto'} udp ${printIp(object.local)}:${object.port} mtu ${object.mtu}`,
        `network ${printPrefix(object.network)} subnet ${printPrefix(object.subnet)} source-check ${object.sourceCheck}`,
      ].join(' ');
    case 'guard':
      return printGuard(object);
    case 'source':
      return printSource(object);
    case 'forward':
      return `forward ${printPrefix(object.subnet)} to ${printIp(object.nextHop)}:${object.port} dev ${object.device}`;
  }
}

const SIGN = { create: '+', replace: '~', remove: '-', blocked: '!' } as const;

const printStep = (step: Step): string => {
  const was = step.action === 'replace' && step.previous ? `\n    was: ${printObject(step.previous)}` : '';
  return `  ${SIGN[step.action]} ${printObject(step.object)}${was}\n    because ${step.because}`;
};

/** A plan for people: one change a line, each with its reason. */
export function printPlan(plan: Plan): string {
  if (plan.length === 0) return 'No change: the host is as it should be.';
  const count = (action: Step['action']) => plan.filter((step) => step.action === action).length;
  const counts = `${count('create')} to create, ${count('replace')} to replace, ${count('remove')} to remove, ${count('blocked')} blocked`;
  return `${plan.map(printStep).join('\n')}\n${counts}`;
}
