/** What iptables-save prints, as far as it is judged: policies, and rules in their order. */
export interface SavedRules {
  /** By `table/chain`. */
  readonly policies: ReadonlyMap<string, string>;
  readonly rules: readonly SavedRule[];
}

export interface SavedRule {
  readonly table: string;
  readonly chain: string;
  /** Everything after the chain's name. */
  readonly text: string;
  readonly target: string | undefined;
}

/** Parses it; lines of other kinds are left out. */
export function parseRules(text: string): SavedRules {
  const policies = new Map<string, string>();
  const rules: SavedRule[] = [];
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const policy = /^:(\S+) (ACCEPT|DROP)\b/.exec(line);
    if (policy) policies.set(`${table}/${policy[1]}`, policy[2] as string);
    const rule = /^-A (\S+)(.*)$/.exec(line);
    if (!rule) continue;
    const body = (rule[2] ?? '').trim();
    rules.push({ table, chain: rule[1] as string, text: body, target: /(?:^| )-[jg] (\S+)/.exec(body)?.[1] });
  }
  return { policies, rules };
}

export const rulesIn = ({ rules }: SavedRules, table: string, chain: string): readonly SavedRule[] =>
  rules.filter((rule) => rule.table === table && rule.chain === chain);

/** It ends the packet's way, whatever the packet. */
export const isDrop = ({ target }: SavedRule): boolean => target === 'DROP' || target === 'REJECT';

/** It has no condition: only a target, and what says how to refuse. */
export const takesAll = ({ text }: SavedRule): boolean =>
  /^(?:-m comment --comment (?:"[^"]*"|\S+) )?-j \w+(?: --reject-with \S+)?$/.test(text);
