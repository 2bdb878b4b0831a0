/** Another program on the host: it speaks to the kernel through iproute2 and iptables, not through our code. */
import { execa } from 'execa';
import type { KernelObject, Route } from '../../../src/kernel/state.ts';
import { printIp, printPrefix } from '../../../src/model/address.ts';
import { printMac } from '../../../src/model/mac.ts';

/** Runs the program; its output. */
export async function run(program: string, ...argv: string[]): Promise<string> {
  return (await execa(program, argv)).stdout;
}

/** iptables-save without its times and counters. */
export const saved = async (variant: string): Promise<string> =>
  (await run(`${variant}-save`)).replace(/^#.*\n?/gm, '').replace(/\[\d+:\d+\]/g, '[0:0]');

const routeWords = (route: Route): string[] => [
  printPrefix(route.dst),
  ...(route.via ? ['via', printIp(route.via)] : []),
  'dev',
  route.device,
  'proto',
  String(route.protocol),
  'metric',
  String(route.metric),
  ...(route.onlink ? ['onlink'] : []),
];

/** Program and arguments that add or delete the object. */
function argvOf(verb: 'add' | 'del', object: KernelObject): string[] {
  switch (object.kind) {
    case 'link': {
      if (verb === 'del') return ['ip', 'link', 'del', object.name];
      const { link } = object;
      if (link.type !== 'vxlan') return ['ip', 'tuntap', 'add', object.name, 'mode', 'tun'];
      const type = ['type', 'vxlan', 'id', String(link.vni), 'local', printIp(link.local), 'dev', link.device];
      return ['ip', 'link', 'add', object.name, ...type, 'dstport', String(link.port), 'nolearning'];
    }
    case 'address':
      return ['ip', 'address', verb, `${printIp(object.ip)}/${object.length}`, 'dev', object.device];
    case 'route':
      return ['ip', 'route', verb, ...routeWords(object)];
    case 'neighbour': {
      const words = ['lladdr', printMac(object.mac), 'nud', 'permanent'];
      return ['ip', 'neigh', verb, printIp(object.ip), ...(verb === 'add' ? words : []), 'dev', object.device];
    }
    case 'fdb':
      return ['bridge', 'fdb', verb, printMac(object.mac), 'dev', object.device, 'dst', printIp(object.dst), 'self'];
    case 'chain':
      return ['iptables', '-t', object.table, verb === 'add' ? '-N' : '-X', object.name];
    case 'jump': {
      const mark = object.to.startsWith('TSFLANNEL-') ? ['-m', 'comment', '--comment', 'tsflannel'] : [];
      return ['iptables', '-t', object.table, verb === 'add' ? '-I' : '-D', object.from, ...mark, '-j', object.to];
    }
    default:
      throw new Error(`no stranger makes a ${object.kind} here`);
  }
}

async function act(verb: 'add' | 'del', object: KernelObject): Promise<void> {
  const [program = '', ...argv] = argvOf(verb, object);
  await run(program, ...argv);
}

/** Takes away everything a test may have left, so that the next one starts anew. */
async function clean(): Promise<void> {
  const links = JSON.parse(await run('ip', '-j', 'link', 'show')) as { ifname: string }[];
  for (const { ifname } of links) {
    if (ifname !== 'lo') await execa('ip', ['link', 'del', ifname], { reject: false });
  }
  // A route that leads nowhere has no device to go with.
  await run('ip', '-4', 'route', 'flush', 'table', 'main');
  await run('nft', 'flush', 'ruleset');
  await run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=0');
}

export const stranger = {
  foreign: (object: KernelObject) => act('add', object),
  removeBehindBack: (object: KernelObject) => act('del', object),
  clean,
};
