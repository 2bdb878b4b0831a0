import { readFile } from 'node:fs/promises';
import { field } from '../../model/parsed.ts';
import type { FilterEvidence, ForeignChain } from '../evidence.ts';

/** Runs a program and gives its output; `undefined` where it is not there or refuses. */
export type RunQuietly = (tool: string, args: readonly string[]) => Promise<string | undefined>;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (json: Json, name: string): string => {
  const value = field(json, name);
  return typeof value === 'string' ? value : '';
};

/** iptables-nft keeps its rules in tables of these names; tsflannel's own is judged by what it wants. */
const KNOWN = /^(?:ip|ip6) (?:filter|nat|raw|mangle|security)$|tsflannel/;

const tableOf = (json: Json): string => `${text(json, 'family')} ${text(json, 'table')}`;

/** A rule of one verdict and nothing before it but counters. */
function dropsAll(rule: Json): boolean {
  const parts = field(rule, 'expr');
  if (!Array.isArray(parts)) return false;
  const names = parts
    .filter(isObject)
    .flatMap((part) => Object.keys(part))
    .filter((name) => name !== 'counter' && name !== 'log');
  return names.length === 1 && (names[0] === 'drop' || names[0] === 'reject');
}

/** Base chains of strangers in what `nft -j list ruleset` prints. */
export function foreignChains(output: string): readonly ForeignChain[] {
  let items: unknown;
  try {
    const json: unknown = JSON.parse(output);
    items = isObject(json) ? field(json, 'nftables') : undefined;
  } catch {
    return [];
  }
  const all = (Array.isArray(items) ? (items as unknown[]) : []).filter(isObject);
  const of = (name: string): Json[] => all.flatMap((item) => (isObject(item[name]) ? [item[name]] : []));
  const rules = of('rule').filter(dropsAll);
  return of('chain').flatMap((chain) => {
    const [table, name, hook] = [tableOf(chain), text(chain, 'name'), text(chain, 'hook')];
    if (hook === '' || KNOWN.test(table)) return [];
    const drops = rules.some((rule) => tableOf(rule) === table && text(rule, 'chain') === name);
    return [
      {
        table,
        name,
        hook,
        policy: text(chain, 'policy') === 'drop' ? ('drop' as const) : ('accept' as const),
        dropsAll: drops,
      },
    ];
  });
}

/** What every tool says. A legacy program asked about a table that is not there would make it. */
export async function filterEvidence(run: RunQuietly): Promise<FilterEvidence> {
  const legacyTables = await readFile('/proc/net/ip_tables_names', 'utf8').catch(() => '');
  const [plain, nft, legacy, ruleset] = await Promise.all([
    run('iptables', ['-V']),
    run('iptables-nft-save', []),
    legacyTables === '' ? undefined : run('iptables-legacy-save', []),
    run('nft', ['-j', 'list', 'ruleset']),
  ]);
  return {
    ...(plain !== undefined && { plain: plain.includes('nf_tables') ? ('nft' as const) : ('legacy' as const) }),
    ...(nft !== undefined && { nft }),
    ...(legacy !== undefined && { legacy }),
    strangers: ruleset === undefined ? [] : foreignChains(ruleset),
  };
}
