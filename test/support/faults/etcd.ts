import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { addressIn, EVERY, type Fault, file, type Named, type Scene, subnetOf } from './fault.ts';

const PREFIX = '/coreos.com/network';

const ctl = (scene: Scene, ...argv: string[]) => scene.run(1, 'etcdctl', ...argv);

const value = async (scene: Scene, key: string): Promise<string> =>
  (await ctl(scene, 'get', '--print-value-only', `${PREFIX}/${key}`)).stdout;

const keyOf = (subnet: string): string => `subnets/${subnet.replace('/', '-')}`;

/** A key of a stranger's, or of somebody who errs. */
const strayKey = (
  fault: Named,
  subnet: (scene: Scene) => string,
  lease: (scene: Scene) => string | Promise<string>,
): Fault => ({
  ...fault,
  inject: async (scene) => ctl(scene, 'put', `${PREFIX}/${keyOf(subnet(scene))}`, await lease(scene)),
  undo: (scene) => ctl(scene, 'del', `${PREFIX}/${keyOf(subnet(scene))}`),
});

const vxlan = (publicIp: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    PublicIP: publicIp,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: '52:54:00:12:34:56' },
    ...more,
  });

/** What stands in etcd. */
export const keyFaults: readonly Fault[] = [
  strayKey(
    { name: 'two nodes with one public address', check: 'public-ip-unique', status: 'host', says: /198\.18\.0\.3/ },
    () => '172.17.200.0/24',
    () => vxlan('198.18.0.3'),
  ),
  strayKey(
    { name: 'a cloned node', check: 'node-id-unique', status: 'host', says: /172\.17\.200\.0\/24/ },
    () => '172.17.200.0/24',
    async (scene) => {
      const { NodeID } = JSON.parse(await value(scene, keyOf(subnetOf(scene, 3)))) as { NodeID: string };
      return vxlan('198.18.0.99', { NodeID });
    },
  ),
  strayKey(
    { name: 'a lease that is no JSON', check: 'leases', status: 'leases', says: /NOT_JSON/ },
    () => '172.17.201.0/24',
    () => '$(touch /tmp/pwned)',
  ),
  strayKey(
    { name: 'a lease that overlaps an older one', check: 'leases', status: 'leases', says: /SUBNET_OVERLAP/ },
    (scene) => `${addressIn(scene, 3, 0)}/25`,
    () => vxlan('198.18.0.98'),
  ),
  strayKey(
    { name: 'a lease outside the network', check: 'leases', status: 'leases', says: /SUBNET_OUTSIDE/ },
    () => '10.9.9.0/24',
    () => vxlan('198.18.0.97'),
  ),
  strayKey(
    { name: 'a node of another backend', on: EVERY, check: 'backends', status: 'host', says: /ipip/ },
    () => '172.17.202.0/24',
    () => JSON.stringify({ PublicIP: '198.18.0.96', BackendType: 'ipip' }),
  ),
];

let config = '';

/** The network config. */
const configFaults: readonly Fault[] = [
  {
    name: 'a network config that is not valid',
    check: 'config',
    status: 'config',
    async inject(scene) {
      config = await value(scene, 'config');
      await ctl(scene, 'put', `${PREFIX}/config`, '{"Network":"10.5.3.4/33"}');
    },
    undo: (scene) => ctl(scene, 'put', `${PREFIX}/config`, config),
  },
  {
    name: 'a config below another prefix',
    check: 'prefix',
    status: 'config',
    says: /\/atomic\.io\/network/,
    async inject(scene) {
      config = await value(scene, 'config');
      await ctl(scene, 'put', '/atomic.io/network/config', config);
      await ctl(scene, 'del', `${PREFIX}/config`);
    },
    async undo(scene) {
      await ctl(scene, 'put', `${PREFIX}/config`, config);
      await ctl(scene, 'del', '/atomic.io/network/config');
    },
  },
];

/** A node that is up goes on: what is asked here is what the next command and the next start would find. */
const LATER = { none: 'the daemon has its connection; the file counts at its next start' } as const;

const CLIENT = ['etc', 'client.json'] as const;

const endpoints =
  (...list: readonly string[]) =>
  (text: string): string =>
    JSON.stringify({ ...JSON.parse(text), endpoints: list });

/** How node 2 is told where etcd is. */
const clientFaults: readonly Fault[] = [
  file(
    { name: 'an endpoint where nobody listens', check: 'etcd-tcp', status: LATER, says: /198\.18\.0\.1:2399/ },
    CLIENT,
    endpoints('http://198.18.0.1:2379', 'http://198.18.0.1:2399'),
  ),
  file(
    { name: 'TLS where etcd speaks none', check: 'etcd-tls', status: LATER, says: /https:\/\/198\.18\.0\.1/ },
    CLIENT,
    endpoints('https://198.18.0.1:2379'),
  ),
  file({ name: 'a damaged client.json', check: 'client-config', status: LATER, says: /client\.json/ }, CLIENT, (text) =>
    text.slice(1),
  ),
  file(
    { name: 'a CA file that is not there', check: 'etcd-tls-files', status: LATER, says: /nonexistent/ },
    CLIENT,
    (text) =>
      JSON.stringify({ ...JSON.parse(text), endpoints: ['https://198.18.0.1:2379'], caFile: '/nonexistent/ca' }),
  ),
  {
    name: 'a client.json that all may read',
    check: 'secrets',
    status: { none: 'it stops no packet' },
    says: /644/,
    inject: (scene) => chmod(join(scene.node(2).dir, ...CLIENT), 0o644),
    undo: (scene) => scene.run(2, 'tsflannel', 'doctor', '--check', 'secrets', '--fix', '--yes'),
  },
];

/** The network config, and node 2's way to etcd; what two faults of one kind would both show is kept apart by a third. */
export const etcdFaults: readonly Fault[] = [
  ...configFaults.slice(0, 1),
  ...clientFaults.slice(0, 2),
  ...configFaults.slice(1),
  ...clientFaults.slice(2),
];
