import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { daemonPid } from '../lab-daemon.ts';
import { until } from '../until.ts';
import { addressIn, commands, type Fault, type Scene, subnetOf, underlay } from './fault.ts';

/** A rule that is put in front and taken away again. */
const rule = (fault: Pick<Fault, 'name' | 'check' | 'says'>, chain: string, text: string, tool = 'iptables'): Fault =>
  commands(
    fault,
    () => `${tool} -I ${chain} ${text}`,
    () => `${tool} -D ${chain} ${text}`,
  );

/** Packet filters of the host and of its peer. */
export const filterFaults: readonly Fault[] = [
  {
    name: 'another nftables table whose policy drops forwarded packets',
    check: 'forward-nft',
    says: /inet guard/,
    async inject(scene) {
      await scene.run(2, 'nft', 'add table inet guard');
      await scene.run(2, 'nft', 'add chain inet guard pass { type filter hook forward priority 10; policy drop; }');
    },
    undo: (scene) => scene.run(2, 'nft', 'delete table inet guard'),
  },
  rule(
    { name: 'rules in both iptables', check: 'two-iptables', says: /iptables-legacy 1/ },
    'FORWARD',
    '-j ACCEPT',
    'iptables-legacy',
  ),
  rule(
    { name: 'a firewall that drops the tunnel’s packets', check: 'port-in', says: /8472/ },
    'INPUT',
    '-p udp --dport 8472 -j DROP',
  ),
  rule(
    { name: 'a firewall that lets no tunnel packets out', check: 'port-out', says: /8472/ },
    'OUTPUT',
    '-p udp --dport 8472 -j DROP',
  ),
  {
    name: 'a firewall of a peer that drops the tunnel’s packets',
    check: 'peer-tunnel',
    says: /198\.18\.0\.3 answers ping there/,
    inject: (scene) => scene.run(3, ...'iptables -I INPUT -p udp --dport 8472 -j DROP'.split(' ')),
    undo: (scene) => scene.run(3, ...'iptables -D INPUT -p udp --dport 8472 -j DROP'.split(' ')),
  },
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
    check: 'peer-underlay',
    says: /198\.18\.0\.3 does not answer/,
    inject: (scene) => underlay(scene, 'link', 'set', 'n3', 'down'),
    undo: (scene) => underlay(scene, 'link', 'set', 'n3', 'up'),
  },
  {
    name: 'a link on the way that takes smaller packets',
    check: 'path-mtu',
    says: /198\.18\.0\.3 takes packets of at most 1400 bytes/,
    inject: (scene) => underlay(scene, 'link', 'set', 'n3', 'mtu', '1400'),
    undo: (scene) => underlay(scene, 'link', 'set', 'n3', 'mtu', '1500'),
  },
  commands(
    { name: 'a LAN with addresses of the network', check: 'overlap', says: /172\.17\.250\.0\/24/ },
    () => 'ip address add 172.17.250.1/24 dev eth0',
    () => 'ip address del 172.17.250.1/24 dev eth0',
  ),
  commands(
    { name: 'a static route on a peer’s subnet', check: 'blocked', says: /static/, status: 'blocked' },
    (scene) => `ip route replace ${subnetOf(scene, 3)} dev eth0 proto static`,
    (scene) => `ip route del ${subnetOf(scene, 3)} dev eth0 proto static`,
  ),
  commands(
    { name: 'a peer routed to another interface', check: 'peer-routes', says: /198\.18\.0\.3 .* docker0/ },
    () => 'ip route add 198.18.0.3/32 dev docker0',
    () => 'ip route del 198.18.0.3/32 dev docker0',
  ),
  {
    name: 'flanneld beside us',
    check: 'flanneld',
    inject: (scene) => startNamed(scene, 'flanneld'),
    undo: endNamed,
  },
  commands(
    { name: 'a device that flanneld has left', check: 'flanneld-left', says: /flannel\.7/ },
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
    { name: 'packets dropped as Docker 28 does', check: 'docker-raw', says: /docker0/ },
    (scene) => `iptables -t raw -A PREROUTING -d ${addressIn(scene, 2, 5)}/32 ! -i docker0 -j DROP`,
    (scene) => `iptables -t raw -D PREROUTING -d ${addressIn(scene, 2, 5)}/32 ! -i docker0 -j DROP`,
  ),
  commands(
    { name: 'a network of Docker’s with addresses of other nodes', check: 'docker-networks', says: /172\.17\.240\.0/ },
    () => 'docker network create --subnet 172.17.240.0/24 stray',
    () => 'docker network rm stray',
  ),
];
