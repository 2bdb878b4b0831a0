/**
 * Our chains and jumps in nft's language, for hosts without iptables: a table of our own, `ip tsflannel`, which is the mark.
 * It is written whole in one transaction and read as nft's JSON. A chain is `TABLE-NAME`; a jump lives in a base chain of our own
 * (`filter-FORWARD`), one step before the priority of the iptables chain it stands for. Pure.
 */
import { printPrefix } from '../../model/address.ts';
import type { FilterChain, FilterJump, FilterRule, KernelObject } from '../state.ts';
import { OWN } from '../state.ts';
import type { FilterObject } from './filter-iptables.ts';
import { at, isJson, type Json, listOf, prefixFrom } from './nft.ts';

export const NFT_TABLE = ['ip', OWN.comment] as const;

/** Base chains by what they stand for: hook and priority. */
const HOOKS: Readonly<Record<string, string>> = {
  'filter-INPUT': 'type filter hook input priority -1',
  'filter-FORWARD': 'type filter hook forward priority -1',
  'filter-OUTPUT': 'type filter hook output priority -1',
  'mangle-FORWARD': 'type filter hook forward priority -151',
  'nat-PREROUTING': 'type nat hook prerouting priority -101',
  'nat-OUTPUT': 'type nat hook output priority -101',
  'nat-POSTROUTING': 'type nat hook postrouting priority 99',
};

/** Whether a jump can be had without iptables: there is no Docker chain to jump from. */
export const hasHook = (jump: FilterJump): boolean => `${jump.table}-${jump.from}` in HOOKS;

const side = (
  field: string,
  match: { prefix: Parameters<typeof printPrefix>[0]; not: boolean } | undefined,
): string[] => (match ? [`ip ${field} ${match.not ? '!= ' : ''}${printPrefix(match.prefix)}`] : []);

const SYN = 'tcp flags & (syn | rst) == syn';
const MSS = 'tcp option maxseg size';

function ruleText(rule: FilterRule): string[] {
  if ('unknown' in rule) return [];
  const where = [...side('saddr', rule.source), ...side('daddr', rule.destination)];
  if (rule.target === 'TCPMSS') return [[...where, SYN, 'counter', `${MSS} set ${rule.mss}`].join(' ')];
  const mark = rule.mark ? [`meta mark & ${rule.mark.mask} == ${rule.mark.value}`] : [];
  const target =
    rule.target === 'MASQUERADE' && rule.randomFully ? 'masquerade fully-random' : rule.target.toLowerCase();
  return [[...where, ...mark, 'counter', target].join(' ')];
}

const block = (name: string, lines: readonly string[]): string =>
  `  chain ${name} {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n`;

function baseChains(jumps: readonly FilterJump[]): string[] {
  const names = [...new Set(jumps.map((jump) => `${jump.table}-${jump.from}`))];
  return names.map((name) => {
    const lines = jumps.filter((jump) => `${jump.table}-${jump.from}` === name);
    const rules = lines.map((jump) => `counter jump ${jump.table}-${jump.to} comment "${OWN.comment}"`);
    return block(name, [`${HOOKS[name]}; policy accept;`, ...rules]);
  });
}

/** The transaction that makes the table hold exactly these objects; without objects there is no table. */
export function nftText(objects: readonly FilterObject[]): string {
  const table = NFT_TABLE.join(' ');
  const chains = objects.filter((object) => object.kind === 'chain');
  const jumps = objects.filter((object) => object.kind === 'jump');
  const blocks = [
    ...chains.map((chain) => block(`${chain.table}-${chain.name}`, chain.rules.flatMap(ruleText))),
    ...baseChains(jumps),
  ];
  // Naming the table first makes its deletion valid where there is none yet.
  const emptied = `table ${table}\ndelete table ${table}\n`;
  return objects.length === 0 ? emptied : `${emptied}table ${table} {\n${blocks.join('')}}\n`;
}

type Known = Exclude<FilterRule, { readonly unknown: string }>;
type Draft = { -readonly [K in keyof Known]?: Known[K] };

function readMark(match: unknown, draft: Draft): boolean {
  const masked = at(match, 'left', '&');
  const [meta, mask] = Array.isArray(masked) ? masked : [at(match, 'left'), 0xffffffff];
  const value = at(match, 'right');
  if (at(meta, 'meta', 'key') !== 'mark' || at(match, 'op') !== '==') return false;
  if (typeof mask !== 'number' || typeof value !== 'number') return false;
  draft.mark = { value, mask };
  return true;
}

function readMatch(match: unknown, draft: Draft): boolean {
  const field = at(match, 'left', 'payload', 'field');
  const operator = at(match, 'op');
  if (field === undefined) return readMark(match, draft);
  const prefix = prefixFrom(at(match, 'right'));
  if (!prefix || (field !== 'saddr' && field !== 'daddr') || (operator !== '==' && operator !== '!=')) return false;
  draft[field === 'saddr' ? 'source' : 'destination'] = { prefix, not: operator === '!=' };
  return true;
}

/** The match of SYNs, as nft prints what we wrote. */
const isSyn = (expression: unknown): boolean =>
  at(expression, 'match', 'right') === 'syn' &&
  JSON.stringify(at(expression, 'match', 'left')) ===
    '{"&":[{"payload":{"protocol":"tcp","field":"flags"}},["syn","rst"]]}';

function readMss(mangle: unknown, draft: Draft): boolean {
  const mss = at(mangle, 'value');
  if (at(mangle, 'key', 'tcp option', 'name') !== 'maxseg' || typeof mss !== 'number') return false;
  draft.target = 'TCPMSS';
  draft.mss = mss;
  return true;
}

/** Reads one expression into the draft; whether it is of our language. */
function readExpression(expression: unknown, draft: Draft): boolean {
  if (!isJson(expression)) return false;
  if ('match' in expression) return isSyn(expression) || readMatch(expression.match, draft);
  if ('mangle' in expression) return readMss(expression.mangle, draft);
  if ('accept' in expression) draft.target = 'ACCEPT';
  else if ('return' in expression) draft.target = 'RETURN';
  else if ('masquerade' in expression) {
    draft.target = 'MASQUERADE';
    if (at(expression, 'masquerade', 'flags') === 'fully-random') draft.randomFully = true;
  } else return 'counter' in expression;
  return true;
}

function ruleOf(rule: Json): FilterRule {
  const expressions = Array.isArray(rule.expr) ? rule.expr : [];
  const draft: Draft = {};
  const isKnown = expressions.every((expression) => readExpression(expression, draft));
  const { target, ...rest } = draft;
  const isWhole = expressions.some(isSyn) === (target === 'TCPMSS');
  return isKnown && isWhole && target ? { ...rest, target } : { unknown: JSON.stringify(expressions) };
}

const TABLES = ['nat', 'mangle'] as const;

const split = (name: string): { table: FilterChain['table']; name: string } => ({
  table: TABLES.find((table) => name.startsWith(`${table}-`)) ?? 'filter',
  name: name.slice(name.indexOf('-') + 1),
});

function jumpsOf(rules: readonly Json[]): FilterJump[] {
  return rules.flatMap((rule) => {
    const target = Array.isArray(rule.expr)
      ? rule.expr.map((part) => at(part, 'jump', 'target')).find(Boolean)
      : undefined;
    const { table, name } = split(String(rule.chain));
    return typeof target === 'string'
      ? [{ kind: 'jump' as const, table, from: name, to: split(target).name, first: true }]
      : [];
  });
}

/** Our objects from `nft -j list table`; anything else in it is left out. */
export function parseNft(json: string): readonly FilterObject[] {
  const items = listOf(at(JSON.parse(json), 'nftables'));
  const chains = items.map((item) => at(item, 'chain')).filter(isJson);
  const rules = items.map((item) => at(item, 'rule')).filter(isJson);
  const own = chains.filter((chain) => !('hook' in chain)).map((chain) => String(chain.name));
  return [
    ...own.map(
      (name): FilterChain => ({
        kind: 'chain',
        ...split(name),
        rules: rules.filter((rule) => rule.chain === name).map(ruleOf),
      }),
    ),
    ...jumpsOf(rules.filter((rule) => !own.includes(String(rule.chain)))),
  ];
}

export const isFilter = (object: KernelObject): object is FilterObject =>
  object.kind === 'chain' || object.kind === 'jump';
