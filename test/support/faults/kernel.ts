import { readFile, rm, writeFile } from 'node:fs/promises';
import { subnetFileOf } from '../../../src/lab/node.ts';
import { addressIn, commands, deviceOf, EVERY, type Fault, type Scene, subnetOf, TUNNELS } from './fault.ts';

const macOf = async (scene: Scene, number: number): Promise<string> =>
  JSON.parse((await scene.run(number, 'ip', '-j', 'link', 'show', 'flannel.1')).stdout)[0].address;

let mac = '';
let env = '';
/** They are for a node whose daemon was killed, of which status says nothing else. */
const DOWN = { none: 'it is down, since no daemon runs' } as const;
const JUMP = 'DOCKER-USER -m comment --comment tsflannel -j TSFLANNEL-FWD';

/** The route by which packets to node 3's containers go. */
const routeOf = (scene: Scene): string =>
  ({
    udp: '172.17.0.0/16 dev flannel0',
    vxlan: `${subnetOf(scene, 3)} via ${addressIn(scene, 3, 0)} dev flannel.1 onlink`,
    'host-gw': `${subnetOf(scene, 3)} via 198.18.0.3 dev eth0`,
  })[scene.backend];

const fileFault = (name: string, change: (text: string) => string | undefined): Fault => ({
  name,
  check: 'subnet-env',
  status: DOWN,
  async inject(scene) {
    const path = subnetFileOf(scene.node(2));
    env = await readFile(path, 'utf8');
    const text = change(env);
    await (text === undefined ? rm(path) : writeFile(path, text));
  },
  undo: (scene) => writeFile(subnetFileOf(scene.node(2)), env),
});

/** What a daemon would put right at once: they are for a node whose daemon was killed. */
export const kernelFaults: readonly Fault[] = [
  commands(
    { name: 'a route that is gone', on: EVERY, check: 'routes', status: DOWN, says: /missing: route/ },
    (scene) => `ip route del ${routeOf(scene).split(' ')[0]}`,
    (scene) => `ip route add ${routeOf(scene)} proto 241`,
  ),
  {
    name: 'a neighbour entry that is gone',
    check: 'neighbours',
    status: DOWN,
    says: /missing: neighbour/,
    async inject(scene) {
      mac = await macOf(scene, 3);
      await scene.run(2, 'ip', 'neigh', 'del', addressIn(scene, 3, 0), 'dev', 'flannel.1');
    },
    undo: (scene) =>
      scene.run(
        2,
        ...`ip neigh replace ${addressIn(scene, 3, 0)} lladdr ${mac} dev flannel.1 nud permanent`.split(' '),
      ),
  },
  {
    name: 'a forwarding entry that leads elsewhere',
    check: 'neighbours',
    status: DOWN,
    says: /wrong: fdb/,
    async inject(scene) {
      mac = await macOf(scene, 3);
      await scene.run(2, ...`bridge fdb replace ${mac} dev flannel.1 dst 198.18.0.77 self permanent`.split(' '));
    },
    undo: (scene) =>
      scene.run(2, ...`bridge fdb replace ${mac} dev flannel.1 dst 198.18.0.3 self permanent`.split(' ')),
  },
  {
    name: 'the device’s MAC address changed',
    check: 'device-mac',
    status: DOWN,
    says: /02:00:00:00:00:07/,
    async inject(scene) {
      mac = await macOf(scene, 2);
      await scene.run(2, ...'ip link set flannel.1 address 02:00:00:00:00:07'.split(' '));
    },
    undo: (scene) => scene.run(2, ...`ip link set flannel.1 address ${mac}`.split(' ')),
  },
  commands(
    { name: 'the device’s MTU changed', on: TUNNELS, check: 'device', status: DOWN, says: /wrong: link flannel/ },
    (scene) => `ip link set ${deviceOf(scene)} mtu 1400`,
    (scene) => `ip link set ${deviceOf(scene)} mtu ${scene.backend === 'udp' ? 1472 : 1450}`,
  ),
  commands(
    { name: 'our rule taken out by a firewall’s reload', check: 'rules', status: DOWN, says: /missing: jump/ },
    () => `iptables -D ${JUMP}`,
    () => `iptables -I ${JUMP}`,
  ),
  commands(
    {
      name: 'a route to a node that is gone',
      on: EVERY,
      check: 'stale',
      status: DOWN,
      says: /172\.17\.203\.0\/24/,
    },
    (scene) => `ip route add 172.17.203.0/24 dev ${deviceOf(scene)} proto 241`,
    (scene) => `ip route del 172.17.203.0/24 dev ${deviceOf(scene)} proto 241`,
  ),
  commands(
    {
      name: 'a firewall that rejects all forwarded packets first',
      on: EVERY,
      check: 'forward',
      status: DOWN,
      says: /REJECT/,
    },
    () => 'iptables -I FORWARD -j REJECT',
    () => 'iptables -D FORWARD -j REJECT',
  ),
  {
    name: 'forwarding turned off',
    check: 'ip-forward',
    on: EVERY,
    status: DOWN,
    inject: (scene) => scene.run(2, 'sysctl', '-qw', 'net.ipv4.ip_forward=0'),
    undo: (scene) => scene.run(2, 'tsflannel', 'doctor', '--check', 'ip-forward', '--fix', '--yes'),
  },
  fileFault('subnet.env deleted', () => undefined),
  fileFault('subnet.env of another node', (text) => text.replace(/FLANNEL_SUBNET=.*/, 'FLANNEL_SUBNET=172.17.99.1/24')),
  fileFault('subnet.env cut off', (text) => text.slice(0, 30)),
];
