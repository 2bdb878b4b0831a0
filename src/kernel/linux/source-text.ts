/**
 * The source check in nft's language: `inet tsflannel-sources`, which is the mark. Pure.
 *
 * - `input` sees a tunnel's datagrams whole (fragments are put together before it) and asks for outer address and inner VTEP MAC
 *   together, so that no peer can borrow another's MAC; other ports and VNIs pass.
 * - `decapsulated` sees what came out of the tunnel and asks for MAC and inner source, and for a destination of ours.
 * - `untunnelled` sees what claims to come from the network by any other way.
 *
 * Each rule's comment is a digest of it; the first rule of `prerouting` has the settings instead.
 */
import { createHash } from 'node:crypto';
import { parsePrefix, printPrefix } from '../../model/address.ts';
import type { DropReason } from '../../model/carrier-report.ts';
import type { GuardSettings, Source } from '../source-check.ts';
import { elementsOf, elementTexts, type SetName, SOURCE_TABLE } from './source-elements.ts';

const TABLE = SOURCE_TABLE.join(' ');

/** Why packets are dropped here: each has a counter of this name. */
export const COUNTED = [
  'outer-source-unknown',
  'inner-source-foreign',
  'inner-destination-foreign',
  'not-ip4',
] as const satisfies DropReason[];

/** Base chains and where they hook in; before connection tracking, so that what is dropped costs nothing more. */
export const BASES = { input: 'input', prerouting: 'prerouting' } as const;
export const PRIORITY = -300;

/**
 * Offsets in bits from the UDP header (8 bytes): VXLAN flags 4, VNI 3, reserved 1; MACs of the inner frame's receiver and sender, its
 * type 2; in the inner IPv4 header the source is at 12.
 */
const VNI = '@th,96,24';
const INNER_MAC = '@th,176,48';
const INNER_SOURCE = '@th,336,32';

/** Names of interfaces that nft takes between quotes as they are. */
const NAME = /^[A-Za-z0-9_.:-]{1,15}$/;

/** Sets by name: what is in them, and the peers' share in each. Those that count do it for each element. */
const SETS = {
  vteps: `typeof ip saddr . ${INNER_MAC};`,
  inner: 'type ether_addr . ipv4_addr; flags interval; counter;',
  direct: 'type ipv4_addr; flags interval; counter;',
  subnets: 'type ipv4_addr; flags interval;',
} as const satisfies Record<SetName, string>;
const SET_NAMES = Object.keys(SETS) as SetName[];

/** Why these settings cannot be written. */
export const refusalOf = ({ underlay, tunnel }: GuardSettings): string | undefined => {
  const bad = [underlay, tunnel?.device ?? 'lo'].find((name) => !NAME.test(name));
  return bad === undefined ? undefined : `nft takes no interface named ${JSON.stringify(bad)}`;
};

const drop = (reason: (typeof COUNTED)[number]): string => `counter name "${reason}" drop`;

/** The settings in a comment (nft takes 127 bytes), and back. */
export const settingsText = ({ check, network, subnet, underlay, tunnel }: GuardSettings): string =>
  [
    check,
    printPrefix(network),
    printPrefix(subnet),
    underlay,
    ...(tunnel ? [tunnel.device, tunnel.port, tunnel.vni] : []),
  ].join(' ');

export function parseSettings(text: string): GuardSettings | undefined {
  const [check, networkText = '', subnetText = '', underlay = '', device, port, vni] = text.split(' ');
  const [network, subnet] = [parsePrefix(networkText), parsePrefix(subnetText)];
  if ((check !== 'strict' && check !== 'subnet') || !network || !subnet || underlay === '') return undefined;
  const tunnel = device === undefined ? {} : { tunnel: { device, port: Number(port), vni: Number(vni) } };
  return { check, network, subnet, underlay, ...tunnel };
}

type Rules = readonly (readonly [chain: string, rules: readonly string[]])[];

/** Chains of the tunnel; `subnet` asks nothing of who sent the datagram. */
const tunnelRules = ({ check, subnet, tunnel }: GuardSettings): Rules => {
  if (!tunnel) return [];
  const decapsulated = [
    `ether saddr . ip saddr @inner ip daddr ${printPrefix(subnet)} accept`,
    `meta nfproto != ipv4 ${drop('not-ip4')}`,
    `ether saddr . ip saddr @inner ${drop('inner-destination-foreign')}`,
    drop('inner-source-foreign'),
  ];
  if (check === 'subnet') return [['decapsulated', decapsulated]];
  const sender = [
    `ip saddr . ${INNER_MAC} @vteps accept`,
    // A rule of its own: a frame too short for it must still meet the drop.
    `update @refused { ip saddr . ${INNER_SOURCE} }`,
    drop('outer-source-unknown'),
  ];
  const input = [`meta nfproto ipv4 udp dport ${tunnel.port} ${VNI} ${tunnel.vni} goto tunnel`];
  return [
    ['tunnel', sender],
    ['decapsulated', decapsulated],
    ['input', input],
  ];
};

/** What claims to come from the network without a tunnel; with one, `subnet` leaves that alone. */
const plainRules = ({ check, underlay }: GuardSettings): Rules => [
  [
    'untunnelled',
    [
      `iifname "${underlay}" ip saddr @direct accept`,
      `iifname "${underlay}" ${drop('inner-source-foreign')}`,
      ...(check === 'strict' ? [`ip saddr @subnets ${drop('inner-source-foreign')}`] : []),
    ],
  ],
];

/** All chains in the order in which they can be written, with their rules. */
export function rulesOf(settings: GuardSettings): Rules {
  const { check, network, tunnel } = settings;
  const isPlain = check === 'strict' || !tunnel;
  const prerouting = [
    ...(tunnel ? [`iifname "${tunnel.device}" goto decapsulated`] : []),
    ...(isPlain ? [`ip saddr ${printPrefix(network)} goto untunnelled`] : []),
  ];
  return [...tunnelRules(settings), ...(isPlain ? plainRules(settings) : []), ['prerouting', prerouting]];
}

/** What the rule is known by. */
export function commentOf(settings: GuardSettings, chain: string, rule: string, i: number): string {
  if (chain === 'prerouting' && i === 0) return settingsText(settings);
  return createHash('sha256').update(rule).digest('hex').slice(0, 16);
}

const isBase = (chain: string): chain is keyof typeof BASES => chain in BASES;

function chainText(settings: GuardSettings, chain: string, rules: readonly string[]): string {
  const hook = isBase(chain) ? `    type filter hook ${BASES[chain]} priority ${PRIORITY}; policy accept;\n` : '';
  const lines = rules.map((rule, i) => `    ${rule} comment "${commentOf(settings, chain, rule, i)}"\n`);
  return `  chain ${chain} {\n${hook}${lines.join('')}  }\n`;
}

/** The transaction that takes the table away, if there is one: naming it first makes its deletion valid in any case. */
export const withoutTable = (): string => `table ${TABLE}\ndelete table ${TABLE}\n`;

const chainsText = (settings: GuardSettings): string =>
  rulesOf(settings)
    .map(([chain, rules]) => chainText(settings, chain, rules))
    .join('');

const inTable = (...parts: readonly string[]): string => `table ${TABLE} {\n${parts.join('')}}\n`;

function setsText(sources: readonly Source[]): string {
  const elements = elementTexts(sources.flatMap(elementsOf));
  const sets = SET_NAMES.map((name) => {
    const inside = elements.get(name);
    return `  set ${name} { ${SETS[name]}${inside ? ` elements = { ${inside} };` : ''} }\n`;
  });
  return [
    ...COUNTED.map((name) => `  counter ${name} { }\n`),
    ...sets,
    `  set refused { typeof ip saddr . ${INNER_SOURCE}; size 1024; flags dynamic,timeout; timeout 10m; counter; }\n`,
  ].join('');
}

/** The transaction that makes the table anew, with nobody let in. */
export const emptyTable = (settings: GuardSettings): string =>
  withoutTable() + inTable(setsText([]), chainsText(settings));

/**
 * The transactions that make the table anew. The kernel (seen with 6.18) lets packets meet the rules of a transaction some microseconds
 * before the elements of its sets with intervals: so these are there before any rule asks for them.
 */
export const wholeTable = (settings: GuardSettings, sources: readonly Source[]): readonly string[] =>
  sources.length === 0
    ? [emptyTable(settings)]
    : [withoutTable() + inTable(setsText(sources)), inTable(chainsText(settings))];

/** The transaction that gives the table of `from` other settings; its sets and counters stay. */
export function otherRules(from: GuardSettings, to: GuardSettings): string {
  const chains = rulesOf(from).map(([chain]) => chain);
  const each = (verb: string): string[] => chains.map((chain) => `${verb} chain ${TABLE} ${chain}\n`);
  return [...each('flush'), ...each('delete'), inTable(chainsText(to))].join('');
}
