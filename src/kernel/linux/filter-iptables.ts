/**
 * Our chains and jumps in iptables' language: read from the output of iptables-save, written as one input of
 * `iptables-restore --noflush`, which leaves every rule it does not name as it is. Pure.
 */
import { parsePrefix } from '../../model/address.ts';
import { printFilterRule } from '../print.ts';
import { type FilterChain, type FilterJump, type FilterRule, keyOf, OWN, type Step } from '../state.ts';

export type FilterObject = FilterChain | FilterJump;
type Table = FilterChain['table'];
const TABLES: readonly Table[] = ['filter', 'nat', 'mangle'];
/** What iptables-save prints for a mark without a mask. */
const WHOLE_MARK = 0xffffffff;

/** Words of one line; a quoted word (a comment with blanks) is one, without its quotes and escapes. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => plain ?? (quoted ?? '').replace(/\\(.)/g, '$1'),
  );

type Known = Exclude<FilterRule, { readonly unknown: string }>;
type Draft = { -readonly [K in keyof Known]?: Known[K] };

function markOf(text: string): Known['mark'] | undefined {
  const match = /^0x([0-9a-f]{1,8})(?:\/0x([0-9a-f]{1,8}))?$/.exec(text);
  if (!match) return undefined;
  return { value: Number.parseInt(match[1] ?? '', 16), mask: match[2] ? Number.parseInt(match[2], 16) : WHOLE_MARK };
}

const isTarget = (text: string): text is Known['target'] =>
  text === 'ACCEPT' || text === 'RETURN' || text === 'MASQUERADE';

const SYN = ['-p', 'tcp', '-m', 'tcp', '--tcp-flags', 'SYN,RST', 'SYN'];

/** What has to follow the match of SYNs. */
function readMss([j, target, flag, value = '']: readonly string[], draft: Draft): number {
  if (j !== '-j' || target !== 'TCPMSS' || flag !== '--set-mss' || !/^\d{1,5}$/.test(value)) return 0;
  draft.target = 'TCPMSS';
  draft.mss = Number(value);
  return SYN.length + 4;
}

/** Reads one option from `words` into the draft; how many words it took, 0 when it is none that we write. */
function readOption(words: readonly string[], draft: Draft): number {
  const not = words[0] === '!';
  const [flag = '', value = '', ...more] = not ? words.slice(1) : words;
  const taken = not ? 3 : 2;
  const prefix = flag === '-s' || flag === '-d' ? parsePrefix(value) : undefined;
  if (prefix) {
    draft[flag === '-s' ? 'source' : 'destination'] = { prefix, not };
    return taken;
  }
  if (not) return 0;
  if (words.slice(0, SYN.length).join(' ') === SYN.join(' ')) return readMss(words.slice(SYN.length), draft);
  const mark = flag === '-m' && value === 'mark' && more[0] === '--mark' ? markOf(more[1] ?? '') : undefined;
  if (mark) draft.mark = mark;
  if (mark) return 4;
  if (flag === '-j' && isTarget(value)) draft.target = value;
  if (flag === '-j' && isTarget(value)) return 2;
  if (flag === '--random-fully') draft.randomFully = true;
  return flag === '--random-fully' ? 1 : 0;
}

function ruleOf(words: readonly string[], text: string): FilterRule {
  const draft: Draft = {};
  let options = 0;
  for (let at = 0; at < words.length; options++) {
    const taken = readOption(words.slice(at), draft);
    if (taken === 0) return { unknown: text };
    at += taken;
  }
  const { target, ...rest } = draft;
  // An option given twice is not of our language either.
  const isWhole = Object.keys(draft).length === options + (draft.mss === undefined ? 0 : 1);
  return target && isWhole ? { ...rest, target } : { unknown: text };
}

/** flanneld's chains (v0.28.9) and the comments of the jumps to them. They are shown, as its own, and can be taken away. */
const FLANNELD_CHAINS: Readonly<Record<string, string>> = {
  'FLANNEL-FWD': 'flanneld forward',
  'FLANNEL-POSTRTG': 'flanneld masq',
};

/** Whether the chain, or the one jumped to, is flanneld's. */
export const isFlannelds = (object: FilterObject): boolean =>
  Object.hasOwn(FLANNELD_CHAINS, object.kind === 'chain' ? object.name : object.to);

const isShown = (chain: string): boolean => chain.startsWith(OWN.chainPrefix) || Object.hasOwn(FLANNELD_CHAINS, chain);

const commentOf = (to: string): string => FLANNELD_CHAINS[to] ?? OWN.comment;

/** The jump that a rule of a foreign chain is, if it is ours (or flanneld's): known by its comment and its target. */
function jumpOf(table: Table, from: string, words: readonly string[], first: boolean): FilterJump | undefined {
  const [m, module, flag, comment, j, to = '', ...more] = words;
  const isMarked = m === '-m' && module === 'comment' && flag === '--comment' && comment === commentOf(to);
  if (!isMarked || j !== '-j' || !isShown(to) || more.length > 0) return undefined;
  return { kind: 'jump', table, from, to, first };
}

/** What one iptables-save says: our objects, every chain's name as `table/name`, and whether DOCKER-USER sees what is forwarded. */
export interface SavedFilters {
  readonly objects: readonly FilterObject[];
  readonly chains: ReadonlySet<string>;
  readonly dockerUser: boolean;
}

const DOCKER_USER = 'DOCKER-USER';

/**
 * Whether every forwarded packet comes by DOCKER-USER: `iptables -F` leaves the chain and takes the jump to it, and what stands behind
 * a rule that takes everything is never reached. `rules` are those of FORWARD.
 */
function reachesDockerUser(rules: readonly (readonly string[])[]): boolean {
  const at = rules.findIndex((words) => words.join(' ') === `-j ${DOCKER_USER}`);
  return (
    at >= 0 &&
    !rules.slice(0, at).some(([j, target]) => j === '-j' && /^(?:ACCEPT|DROP|REJECT|RETURN)$/.test(target ?? ''))
  );
}

/** The same jump seen several times is one object. */
function counted(jumps: readonly FilterJump[]): FilterJump[] {
  const same = Map.groupBy(jumps, keyOf);
  return [...same.values()].flatMap(([jump, ...more]) =>
    jump ? [more.length > 0 ? { ...jump, copies: more.length + 1 } : jump] : [],
  );
}

/** Reads iptables-save output; tables and chains of others are left out. */
export function parseSave(text: string): SavedFilters {
  const chains = new Set<string>();
  const rules = new Map<string, FilterRule[]>();
  const jumps: FilterJump[] = [];
  const forward: string[][] = [];
  /** Chains of which a rule was read. */
  const begun = new Set<string>();
  let table: Table | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = TABLES.find((name) => name === line.slice(1));
    if (table === undefined) continue;
    const [first = '', chain = '', ...words] = wordsOf(line);
    if (first.startsWith(':')) {
      chains.add(`${table}/${first.slice(1)}`);
      if (isShown(first.slice(1))) rules.set(`${table}/${first.slice(1)}`, []);
    }
    if (first !== '-A') continue;
    if (table === 'filter' && chain === 'FORWARD') forward.push(words);
    const own = rules.get(`${table}/${chain}`);
    const jump = own ? undefined : jumpOf(table, chain, words, !begun.has(`${table}/${chain}`));
    begun.add(`${table}/${chain}`);
    own?.push(ruleOf(words, line.slice(`-A ${chain} `.length)));
    if (jump) jumps.push(jump);
  }
  const objects = [...[...rules].map(([key, list]) => chainOf(key, list)), ...counted(jumps)];
  return { chains, objects, dockerUser: chains.has(`filter/${DOCKER_USER}`) && reachesDockerUser(forward) };
}

function chainOf(key: string, rules: readonly FilterRule[]): FilterChain {
  const slash = key.indexOf('/');
  return { kind: 'chain', table: key.slice(0, slash) as Table, name: key.slice(slash + 1), rules };
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,27}$/;

/** Why a step cannot be written down; only names and rules of our own language ever reach iptables. */
export function refusalOf({ action, object }: Pick<Step, 'action' | 'object'>): string | undefined {
  if (object.kind !== 'chain' && object.kind !== 'jump') return 'not a filter';
  const own = object.kind === 'chain' ? object.name : object.to;
  if (!isShown(own) || !NAME.test(own)) return `${JSON.stringify(own)} is not the name of a chain of ours`;
  if (object.kind === 'jump' && !NAME.test(object.from))
    return `${JSON.stringify(object.from)} is not the name of a chain`;
  const hasUnknown = action !== 'remove' && object.kind === 'chain' && object.rules.some((rule) => 'unknown' in rule);
  return hasUnknown ? 'it has a rule that is not of our language' : undefined;
}

const jumpText = (jump: FilterJump): string => `-m comment --comment "${commentOf(jump.to)}" -j ${jump.to}`;

function linesOf({ action, object, previous }: Step): string[] {
  if (object.kind === 'jump') {
    const copies = previous?.kind === 'jump' ? (previous.copies ?? 1) : 1;
    const removed = Array.from({ length: copies }, () => `-D ${object.from} ${jumpText(object)}`);
    const insert = `-I ${object.from} 1 ${jumpText(object)}`;
    return action === 'remove' ? removed : action === 'replace' ? [...removed, insert] : [insert];
  }
  if (object.kind !== 'chain') return [];
  if (action === 'remove') return [`-F ${object.name}`, `-X ${object.name}`];
  return [`-F ${object.name}`, ...object.rules.map((rule) => `-A ${object.name} ${printFilterRule(rule)}`)];
}

/** Chains have to be declared before the first rule; the declaration makes those that are missing. */
const declarations = (steps: readonly Step[]): string[] =>
  steps.flatMap(({ action, object }) =>
    object.kind === 'chain' && action !== 'remove' ? [`:${object.name} - [0:0]`] : [],
  );

/** One input of `iptables-restore --noflush` for all steps, in their order within each table. */
export function restoreText(steps: readonly Step[]): string {
  const parts = TABLES.map((table) => {
    const mine = steps.filter(({ object }) => 'table' in object && object.table === table);
    return mine.length === 0 ? [] : [`*${table}`, ...declarations(mine), ...mine.flatMap(linesOf), 'COMMIT'];
  });
  return `${parts.flat().join('\n')}\n`;
}
