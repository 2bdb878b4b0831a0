import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { daemonPid } from '../lab-daemon.ts';
import { until } from '../until.ts';
import {
  addressIn,
  commands,
  EVERY,
  type Fault,
  inUnderlay,
  type Named,
  portOf,
  type Scene,
  subnetOf,
  TUNNELS,
} from './fault.ts';

/** A rule that is put in front of a chain of node `on` and taken away again. */
const rule = (fault: Named, text: (scene: Scene) => string, { on = 2, tool = 'iptables' } = {}): Fault => ({
  ...fault,
  inject: (scene) => scene.run(on, tool, '-w', '-I', ...text(scene).split(' ')),
  undo: (scene) => scene.run(on, tool, '-w', '-D', ...text(scene).split(' ')),
});

const dropsPort =
  (chain: string) =>
  (scene: Scene): string =>
    `${chain} -p udp --dport ${portOf(scene)} -j DROP`;

/** Packet filters of the host, of its peer, and between them; faults that show alike are kept apart by others. */
export const filterFaults: readonly Fault[] = [
  rule(
    {
      name: 'a firewall of a peer that drops the tunnel’s packets',
      check: 'peer-tunnel',
      status: 'peers',
      says: /198\.18\.0\.3 answers ping there/,
    },
    dropsPort('INPUT'),
    { on: 3 },
  ),
  {
    name: 'a switch on the way that drops the tunnel’s packets',
    on: TUNNELS,
    check: 'peer-tunnel',
    status: 'peers',
    says: /198\.18\.0\.3 answers ping there/,
    async inject(scene) {
      const nft = (...argv: string[]) => inUnderlay(scene, 'nft', 'add', ...argv);
      await nft('table', 'bridge', 'fault');
      await nft('chain', 'bridge', 'fault', 'way', '{ type filter hook forward priority 0; }');
      await nft('rule', 'bridge', 'fault', 'way', 'oifname', 'n3', 'udp', 'dport', String(portOf(scene)), 'drop');
    },
    undo: (scene) => inUnderlay(scene, 'nft', 'delete', 'table', 'bridge', 'fault'),
  },
  {
    name: 'another nftables table whose policy drops forwarded packets',
    on: EVERY,
    check: 'forward-nft',
    status: 'host',
    says: /inet guard/,
    async inject(scene) {
      await scene.run(2, 'nft', 'add table inet guard');
      await scene.run(2, 'nft', 'add chain inet guard pass { type filter hook forward priority 10; policy drop; }');
    },
    undo: (scene) => scene.run(2, 'nft', 'delete table inet guard'),
  },
  rule(
    {
      name: 'rules in both iptables',
      check: 'two-iptables',
      status: { none: 'they stop no packet' },
      says: /iptables-legacy 1/,
    },
    () => 'FORWARD -j ACCEPT',
    { tool: 'iptables-legacy' },
  ),
  rule(
    {
      name: 'a firewall that drops the tunnel’s packets',
      on: TUNNELS,
      check: 'port-in',
      status: 'host',
      says: /8472|8285/,
    },
    dropsPort('INPUT'),
  ),
  rule(
    {
      name: 'a firewall that lets no tunnel packets out',
      on: TUNNELS,
      check: 'port-out',
      status: 'host',
      says: /8472|8285/,
    },
    dropsPort('OUTPUT'),
  ),
];

let stranger: { readonly child: ChildProcess; readonly dir: string } | undefined;

/** A program of that name in the namespace of node 2. */
async function startNamed(scene: Scene, name: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'fault-'));
  const program = join(dir, name);
  await copyFile((await execa('which', ['sleep'])).stdout, program);
  await execa('chmod', ['755', program]);
  const inside = [`--net=/run/netns/${scene.node(2).namespace}`, '--', program, '600'];
  stranger = { child: spawn('nsenter', inside, { stdio: 'ignore' }), dir };
}

async function endNamed(): Promise<void> {
  stranger?.child.kill('SIGKILL');
  await until('its end', () => stranger?.child.signalCode !== null);
  await rm(stranger?.dir ?? '', { recursive: true });
}

/** Addresses, routes, wires and other programs. */
export const networkFaults: readonly Fault[] = [
  {
    name: 'a peer whose wire is cut',
    on: EVERY,
    check: 'peer-underlay',
    status: 'peers',
    says: /198\.18\.0\.3 does not answer/,
    inject: (scene) => inUnderlay(scene, 'ip', 'link', 'set', 'n3', 'down'),
    undo: (scene) => inUnderlay(scene, 'ip', 'link', 'set', 'n3', 'up'),
  },
  {
    name: 'a link on the way that takes smaller packets',
    on: EVERY,
    check: 'path-mtu',
    status: { none: 'the daemon looks once a minute: test/lab/path-mtu.test.ts' },
    says: /198\.18\.0\.3 takes packets of at most 1400 bytes/,
    inject: (scene) => inUnderlay(scene, 'ip', 'link', 'set', 'n3', 'mtu', '1400'),
    undo: (scene) => inUnderlay(scene, 'ip', 'link', 'set', 'n3', 'mtu', '1500'),
  },
  commands(
    { name: 'a LAN with addresses of the network', check: 'overlap', status: 'host', says: /172\.17\.250\.0\/24/ },
    () => 'ip address add 172.17.250.1/24 dev eth0',
    () => 'ip address del 172.17.250.1/24 dev eth0',
  ),
  commands(
    {
      name: 'a static route on a peer’s subnet',
      on: ['vxlan', 'host-gw'],
      check: 'blocked',
      says: /static/,
      status: 'blocked',
    },
    (scene) => `ip route replace ${subnetOf(scene, 3)} dev eth0 proto static`,
    (scene) => `ip route del ${subnetOf(scene, 3)} dev eth0 proto static`,
  ),
  commands(
    {
      name: 'a peer routed to another interface',
      on: EVERY,
      check: 'peer-routes',
      status: 'peers',
      says: /198\.18\.0\.3 .* lo\b/,
    },
    () => 'ip route add 198.18.0.3/32 dev lo',
    () => 'ip route del 198.18.0.3/32 dev lo',
  ),
  {
    name: 'flanneld beside us',
    check: 'flanneld',
    status: 'host',
    inject: (scene) => startNamed(scene, 'flanneld'),
    undo: endNamed,
  },
  commands(
    {
      name: 'a device that flanneld has left',
      check: 'flanneld-left',
      status: { none: 'it stops no packet' },
      says: /flannel\.7/,
    },
    () => 'ip link add flannel.7 type vxlan id 7 dstport 8479 dev eth0',
    () => 'ip link del flannel.7',
  ),
  {
    name: 'a daemon that is stopped',
    check: 'daemon-stuck',
    status: 'daemon',
    says: /alive and silent/,
    inject: async (scene) => process.kill(daemonPid(scene.node(2)), 'SIGSTOP'),
    undo: async (scene) => process.kill(daemonPid(scene.node(2)), 'SIGCONT'),
  },
];

/** Docker of node 2. */
export const dockerFaults: readonly Fault[] = [
  {
    name: 'docker0 with Docker’s own subnet',
    check: 'docker0',
    says: /172\.30\.0\.1/,
    status: 'docker0',
    async inject(scene) {
      await scene.run(2, 'ip', 'address', 'del', `${addressIn(scene, 2, 1)}/24`, 'dev', 'docker0');
      await scene.run(2, 'ip', 'address', 'add', '172.30.0.1/16', 'dev', 'docker0');
    },
    async undo(scene) {
      await scene.run(2, 'ip', 'address', 'del', '172.30.0.1/16', 'dev', 'docker0');
      await scene.run(2, 'ip', 'address', 'add', `${addressIn(scene, 2, 1)}/24`, 'dev', 'docker0');
    },
  },
  commands(
    { name: 'packets dropped as Docker 28 does', check: 'docker-raw', status: 'host', says: /docker0/ },
    (scene) => `iptables -t raw -A PREROUTING -d ${addressIn(scene, 2, 5)}/32 ! -i docker0 -j DROP`,
    (scene) => `iptables -t raw -D PREROUTING -d ${addressIn(scene, 2, 5)}/32 ! -i docker0 -j DROP`,
  ),
  commands(
    {
      name: 'a network of Docker’s with addresses of other nodes',
      check: 'docker-networks',
      status: 'host',
      says: /172\.17\.240\.0/,
    },
    () => 'docker network create --subnet 172.17.240.0/24 stray',
    () => 'docker network rm stray',
  ),
];
