/**
 * Since 28.0 Docker drops what other hosts send to a container's own address before any of our rules see it (raw PREROUTING,
 * moby#49792). This file: how a dockerd of some version is told to leave that, and whether a host has such a rule now.
 */
import { readIfThere } from '../files/atomic.ts';
import { type Prefix, parseCidr, parsePrefix, prefixOf } from '../model/address.ts';
import type { Run } from './run.ts';

/**
 * How dockerd is told: `open`, not at all, nothing is dropped; `environment` (28.0 and 28.1), by a variable that turns the raw rules off;
 * `option` (from 28.2), by allow-direct-routing.
 */
export type DirectRouting = 'open' | 'environment' | 'option';

export const DIRECT_ROUTING_KEY = 'allow-direct-routing';
/** For 28.0 and 28.1. */
export const RAW_SWITCH = 'DOCKER_INSECURE_NO_IPTABLES_RAW';

/** What a dockerd of this version (as its API tells it) needs. An unknown version is left alone: an unknown option would stop it. */
export function directRoutingOf(version: string | undefined): DirectRouting {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const number = Number(major ?? 0) * 1000 + Number(minor ?? 0);
  if (number < 28_000) return 'open';
  return number < 28_002 ? 'environment' : 'option';
}

/** A rule that drops what comes for these addresses by another way than their bridge. */
export interface DropRule {
  readonly addresses: Prefix;
  readonly bridge: string;
}

const target = (text: string): Prefix | undefined => {
  const cidr = text.includes('/') ? parseCidr(text) : parseCidr(`${text}/32`);
  return cidr && prefixOf(cidr.ip, cidr.length);
};

/** Those of `iptables -t raw -S PREROUTING`: `-A PREROUTING -d 172.18.0.2/32 ! -i br-1 -j DROP`, with a port before 28.1. */
export function dropRulesOfIptables(text: string): DropRule[] {
  return text.split('\n').flatMap((line) => {
    const match = /^-A PREROUTING -d (\S+) ! -i (\S+) (?:.* )?-j DROP$/.exec(line.trim());
    const addresses = match && target(match[1] ?? '');
    return addresses && match[2] ? [{ addresses, bridge: match[2] }] : [];
  });
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** The two sides of an nft match as text: `ip daddr`, `!=`, `docker0`. */
function matchOf(expression: unknown): { readonly left: string; readonly op: unknown; readonly right: unknown } {
  const match = isObject(expression) && isObject(expression.match) ? expression.match : {};
  const left = isObject(match.left) ? match.left : {};
  const payload = isObject(left.payload) ? `${left.payload.protocol} ${left.payload.field}` : '';
  const meta = isObject(left.meta) ? `${left.meta.key}` : '';
  return { left: payload || meta, op: match.op, right: match.right };
}

const prefixIn = (value: unknown): Prefix | undefined => {
  if (typeof value === 'string') return target(value);
  const prefix = isObject(value) && isObject(value.prefix) ? value.prefix : undefined;
  return prefix && parsePrefix(`${prefix.addr}/${prefix.len}`);
};

function dropRuleOf(rule: unknown): DropRule[] {
  const expressions = isObject(rule) && isObject(rule.rule) && Array.isArray(rule.rule.expr) ? rule.rule.expr : [];
  if (!expressions.some((each) => isObject(each) && 'drop' in each)) return [];
  const matches = expressions.map(matchOf);
  const addresses = prefixIn(matches.find(({ left }) => left === 'ip daddr')?.right);
  const way = matches.find(({ left, op }) => left === 'iifname' && op === '!=')?.right;
  return addresses && typeof way === 'string' ? [{ addresses, bridge: way }] : [];
}

/** Those of `nft -j list table …`: iptables-nft's own table, and Docker's. */
export function dropRulesOfNft(text: string): DropRule[] {
  try {
    const { nftables } = JSON.parse(text) as { nftables?: unknown };
    return Array.isArray(nftables) ? nftables.flatMap(dropRuleOf) : [];
  } catch {
    return [];
  }
}

/** A tool that is not there, or a table that is not, has no rules. */
const orNothing = (output: Promise<string>): Promise<string> => output.catch(() => '');

/** The rules of this network namespace by which Docker keeps other hosts from its containers, in all of its firewall backends. */
export async function directDropRules(run: Run): Promise<DropRule[]> {
  const tables = ['raw', 'docker-bridges'].map((table) => orNothing(run('nft', ['-j', 'list', 'table', 'ip', table])));
  // Asking iptables-legacy makes the table where there is none.
  const legacy = /^raw$/m.test((await readIfThere('/proc/self/net/ip_tables_names')) ?? '')
    ? [orNothing(run('iptables-legacy', ['-t', 'raw', '-S', 'PREROUTING']))]
    : [];
  const [nft, iptables] = await Promise.all([Promise.all(tables), Promise.all(legacy)]);
  return [...nft.flatMap(dropRulesOfNft), ...iptables.flatMap(dropRulesOfIptables)];
}
