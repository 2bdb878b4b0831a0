/**
 * bundle/ gathers what somebody who helps needs to see, and takes the secrets out. It knows which commands and files tell something; it must
 * not know what they mean. Everything is asked by the very commands a user has, so that nothing shows more here than there.
 */

/** One file of the bundle, and where it comes from. */
export interface Item {
  readonly name: string;
  readonly from:
    | { readonly kind: 'ours'; readonly argv: readonly string[] }
    | { readonly kind: 'tool'; readonly argv: readonly [string, ...string[]] }
    | { readonly kind: 'file'; readonly path: string };
}

/** Folders of the node. */
export interface Places {
  readonly configDir: string;
  readonly runDir: string;
  readonly subnetFile: string;
}

const ours = (name: string, ...argv: string[]): Item => ({ name, from: { kind: 'ours', argv } });
const tool = (name: string, ...argv: [string, ...string[]]): Item => ({ name, from: { kind: 'tool', argv } });
const file = (name: string, path: string): Item => ({ name, from: { kind: 'file', path } });

/** Everything that is asked, by the folders of this node. */
export const itemsOf = ({ configDir, runDir, subnetFile }: Places): readonly Item[] => [
  ours('tsflannel/version.txt', 'version'),
  ours('tsflannel/status.json', 'status', '--json'),
  ours('tsflannel/routes.json', 'routes', '--json'),
  ours('tsflannel/plan.json', 'plan', '--json'),
  ours('tsflannel/doctor.json', 'doctor', '--json'),
  ours('tsflannel/config.json', 'config', 'get', '--json'),
  ours('tsflannel/etcd-status.json', 'etcd', 'status', '--json'),
  ours('tsflannel/docker-status.json', 'docker', 'status', '--json'),
  file('tsflannel/client.json', `${configDir}/client.json`),
  file('tsflannel/daemon.log', `${runDir}/daemon.log`),
  file('tsflannel/subnet.env', subnetFile),
  file('host/os-release', '/etc/os-release'),
  file('host/kernel', '/proc/version'),
  file('host/devices', '/proc/self/net/dev'),
  file('host/netstat', '/proc/self/net/netstat'),
  file('host/snmp', '/proc/self/net/snmp'),
  file('docker/daemon.json', '/etc/docker/daemon.json'),
  tool('network/links.json', 'ip', '-details', '-statistics', '-json', 'link', 'show'),
  tool('network/addresses.json', 'ip', '-json', 'address', 'show'),
  tool('network/routes.json', 'ip', '-json', 'route', 'show', 'table', 'all'),
  tool('network/rules.json', 'ip', '-json', 'rule', 'show'),
  tool('network/neighbours.json', 'ip', '-json', 'neighbour', 'show'),
  tool('network/fdb.json', 'bridge', '-json', 'fdb', 'show'),
  tool('network/sockets.txt', 'ss', '-lntup'),
  tool('filter/nft.txt', 'nft', 'list', 'ruleset'),
  tool('filter/iptables-nft.txt', 'iptables-nft-save', '-c'),
  tool('filter/iptables-legacy.txt', 'iptables-legacy-save', '-c'),
];
