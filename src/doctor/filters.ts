/** Packet filters: who else judges the containers’ packets and the tunnel’s, and in which of the two iptables. */
import { OWN } from '../kernel/state.ts';
import { type Check, fail, faults, isNode, ok, on, skip, type Verdict, warn } from './check.ts';
import type { Evidence, FilterEvidence } from './evidence.ts';
import { isDrop, parseRules, rulesIn, type SavedRules, takesAll } from './rules.ts';

interface Flavour {
  readonly name: 'iptables-nft' | 'iptables-legacy';
  readonly saved: SavedRules;
}

const flavours = ({ nft, legacy }: FilterEvidence): Flavour[] => [
  ...(nft === undefined ? [] : [{ name: 'iptables-nft' as const, saved: parseRules(nft) }]),
  ...(legacy === undefined ? [] : [{ name: 'iptables-legacy' as const, saved: parseRules(legacy) }]),
];

const eachFlavour = (
  evidence: Evidence,
  fine: string,
  fault: (flavour: Flavour) => readonly string[],
  bad = fail,
): Verdict => on(evidence.filters, (filters) => faults(flavours(filters).flatMap(fault), fine, bad));

function tools({ filters }: Evidence): Verdict {
  return on(filters, ({ plain }) =>
    plain === undefined ? warn('there is no iptables; rules are written by nft') : ok(`iptables is iptables-${plain}`),
  );
}

const isOurs = (target: string | undefined): boolean => target?.startsWith(OWN.chainPrefix) ?? false;

/** What ends a container's packet in FORWARD before a rule of ours lets it pass. */
function forwardFault({ name, saved }: Flavour): readonly string[] {
  const reached = (target: string | undefined): boolean =>
    isOurs(target) || (target !== undefined && rulesIn(saved, 'filter', target).some((rule) => isOurs(rule.target)));
  const all = rulesIn(saved, 'filter', 'FORWARD');
  const ours = all.findIndex(({ target }) => reached(target));
  const drop = all.findIndex((rule) => isDrop(rule) && takesAll(rule));
  if (drop >= 0 && (ours < 0 || drop < ours))
    return [`${name}: rule ${drop + 1} of FORWARD (${all[drop]!.text}) comes before ours`];
  const policy = saved.policies.get('filter/FORWARD');
  return policy === 'DROP' && ours < 0 ? [`${name}: the policy of FORWARD is DROP, and no rule of ours is in it`] : [];
}

function forward(evidence: Evidence): Verdict {
  if (!isNode(evidence)) return skip('this host is no node yet');
  return eachFlavour(evidence, 'containers’ packets pass FORWARD', forwardFault);
}

function strangers({ filters }: Evidence): Verdict {
  return on(filters, ({ strangers: list }) =>
    faults(
      list
        .filter(({ hook, policy, dropsAll }) => hook === 'forward' && (policy === 'drop' || dropsAll))
        .map(
          ({ table, name, dropsAll }) =>
            `${dropsAll ? 'a rule' : 'the policy'} of ${table} ${name} drops forwarded packets`,
        ),
      'no other table of nftables drops forwarded packets',
    ),
  );
}

function both({ filters }: Evidence): Verdict {
  return on(filters, (seen) => {
    const counts = flavours(seen).map(({ name, saved }) => ({ name, count: saved.rules.length }));
    const used = counts.filter(({ count }) => count > 0);
    const text = counts.map(({ name, count }) => `${name} ${count}`).join(', ') || 'no rules';
    return used.length < 2 ? ok(`rules: ${text}`) : warn(`both have rules: ${text}`);
  });
}

/** The tunnel's port, where the backend has one. */
const portOf = ({ network }: Evidence): number | undefined => {
  if (!('seen' in network)) return undefined;
  const { backend } = network.seen.network;
  return backend.type === 'host-gw' ? undefined : backend.port;
};

const namesPort = (text: string, port: number): boolean =>
  new RegExp(`--dports? (?:\\d+,)*${port}\\b`).test(text) && !/! --dport/.test(text);

/** A rule that drops the port, or everything, before one that accepts it; or the policy does. */
function portFault({ name, saved }: Flavour, chain: string, port: number): readonly string[] {
  const all = rulesIn(saved, 'filter', chain);
  const about = all.find(
    (rule) => (isDrop(rule) || rule.target === 'ACCEPT') && (namesPort(rule.text, port) || takesAll(rule)),
  );
  if (about && isDrop(about)) return [`${name}: ${chain} has ${about.text}`];
  const policy = saved.policies.get(`filter/${chain}`);
  return !about && policy === 'DROP'
    ? [`${name}: the policy of ${chain} is DROP, and no rule accepts UDP ${port}`]
    : [];
}

const portChain =
  (chain: string, hook: string) =>
  (evidence: Evidence): Verdict => {
    const port = portOf(evidence);
    if (port === undefined) return skip('the backend has no port');
    return on(evidence.filters, (filters) => {
      const tables = filters.strangers.filter((one) => one.hook === hook && (one.policy === 'drop' || one.dropsAll));
      const texts = tables.map(
        ({ table, name, dropsAll }) =>
          `${dropsAll ? 'a rule' : 'the policy'} of ${table} ${name} drops what it does not know`,
      );
      return faults(
        [...flavours(filters).flatMap((one) => portFault(one, chain, port)), ...texts],
        `UDP ${port} passes ${chain}`,
      );
    });
  };

/** ufw's chains have names of their own. */
const isUfw = ({ saved }: Flavour): boolean => saved.rules.some(({ chain }) => chain.startsWith('ufw-'));

function firewalls(evidence: Evidence): Verdict {
  return on(evidence.filters, (seen) => {
    const port = portOf(evidence) ?? 8472;
    if (flavours(seen).some(isUfw))
      return warn('ufw is active', `ufw allow ${port}/udp`, 'ufw route allow in on flannel.1');
    const firewalld =
      seen.strangers.some(({ table }) => table.includes('firewalld')) || evidence.host.programs.has('firewalld');
    return firewalld
      ? warn('firewalld is active', `firewall-cmd --permanent --add-port=${port}/udp`, 'firewall-cmd --reload')
      : ok('neither ufw nor firewalld is active');
  });
}

export const filterChecks: readonly Check[] = [
  {
    id: 'filter-tool',
    group: 'filters',
    title: 'there is a tool for packet filters',
    why: 'Docker and tsflannel write their rules with iptables; without it tsflannel takes nft',
    fix: ['apt-get install iptables'],
    judge: tools,
  },
  {
    id: 'forward',
    group: 'filters',
    title: 'containers’ packets pass FORWARD',
    why: 'Docker sets the policy to DROP, and firewalls end the chain with REJECT: our rule has to come before (flannel-io/flannel#834)',
    fix: ['tsflannel plan', 'iptables -S FORWARD', 'tsflannel up --detach'],
    judge: forward,
  },
  {
    id: 'forward-nft',
    group: 'filters',
    title: 'no other nftables table drops forwarded packets',
    why: 'a packet has to pass every table: an accept of ours does not help against a drop in another one',
    fix: ['nft list ruleset'],
    judge: strangers,
  },
  {
    id: 'two-iptables',
    group: 'filters',
    title: 'only one of the two iptables has rules',
    why: 'packets pass both, but each tool shows its own only: a rule seems to be there, or gone, that is not',
    fix: ['update-alternatives --display iptables', 'iptables-legacy-save', 'iptables-nft-save'],
    judge: both,
  },
  {
    id: 'port-in',
    group: 'filters',
    title: 'this host takes the tunnel’s packets',
    why: 'a rule of this host drops what peers send to the tunnel’s port',
    fix: ['iptables -S INPUT', 'iptables -I INPUT -p udp --dport 8472 -j ACCEPT'],
    judge: portChain('INPUT', 'input'),
  },
  {
    id: 'port-out',
    group: 'filters',
    title: 'this host lets the tunnel’s packets out',
    why: 'a rule of this host drops what it sends to the peers’ port',
    fix: ['iptables -S OUTPUT', 'iptables -I OUTPUT -p udp --dport 8472 -j ACCEPT'],
    judge: portChain('OUTPUT', 'output'),
  },
  {
    id: 'firewall',
    group: 'filters',
    title: 'no firewall manager rewrites the filters',
    why: 'ufw and firewalld know nothing of the tunnel’s port, and drop other programs’ rules when they reload',
    fix: ['ufw status', 'firewall-cmd --list-all'],
    judge: firewalls,
  },
];
