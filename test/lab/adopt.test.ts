/** `up --adopt` on a host as a stopped flanneld v0.28.9 leaves it: made by ip and iptables, as observed of the real one. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { addressIn, type Container, type Ground, type Host, makeGround, type Running } from '../support/ground.ts';
import { slowAfter, slowBefore } from '../support/hooks.ts';
import { leftNothing, snapshot } from '../support/leaks.ts';
import { pingFrom } from '../support/ping.ts';

/** Namespaces and an etcd take a while on a busy machine. */
const HOOK_MS = 240_000;

const NAME = 'tsad';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };
const NETWORK = '172.20.0.0/16';
const MASQ = ['-m', 'comment', '--comment', 'flanneld masq'];
const FWD = ['-m', 'comment', '--comment', 'flanneld forward'];

interface Planned {
  readonly steps: readonly { readonly action: string; readonly object: string }[];
}

/** One node of theirs. */
interface Left {
  readonly host: Host;
  readonly subnet: string;
  readonly mac: string;
}

const base = ({ subnet }: Left): string => addressIn(subnet, 0);

async function leaveRules({ host, subnet }: Left): Promise<void> {
  const [nat, chain] = [['-t', 'nat'], 'FLANNEL-POSTRTG'];
  const rules: readonly (readonly string[])[] = [
    ['-N', 'FLANNEL-FWD'],
    ['-A', 'FORWARD', ...FWD, '-j', 'FLANNEL-FWD'],
    ['-A', 'FLANNEL-FWD', '-s', NETWORK, ...FWD, '-j', 'ACCEPT'],
    ['-A', 'FLANNEL-FWD', '-d', NETWORK, ...FWD, '-j', 'ACCEPT'],
    [...nat, '-N', chain],
    [...nat, '-A', 'POSTROUTING', ...MASQ, '-j', chain],
    [...nat, '-A', chain, '-m', 'mark', '--mark', '0x4000/0x4000', ...MASQ, '-j', 'RETURN'],
    [...nat, '-A', chain, '-s', subnet, '-d', NETWORK, ...MASQ, '-j', 'RETURN'],
    [...nat, '-A', chain, '-s', NETWORK, '-d', subnet, ...MASQ, '-j', 'RETURN'],
    [...nat, '-A', chain, '!', '-s', NETWORK, '-d', subnet, ...MASQ, '-j', 'RETURN'],
    [...nat, '-A', chain, '-s', NETWORK, '!', '-d', '224.0.0.0/4', ...MASQ, '-j', 'MASQUERADE', '--random-fully'],
    [...nat, '-A', chain, '!', '-s', NETWORK, '-d', NETWORK, ...MASQ, '-j', 'MASQUERADE', '--random-fully'],
  ];
  for (const rule of rules) await host.run('iptables', ...rule);
  await host.run('iptables', '-P', 'FORWARD', 'DROP');
}

async function leaveVxlan(mine: Left, peer: Left): Promise<void> {
  const { host, mac } = mine;
  const ip = (...argv: string[]) => host.run('ip', ...argv);
  const vxlan = ['id', '1', 'local', host.ip, 'dev', 'eth0', 'dstport', '8472', 'nolearning'];
  await ip('link', 'add', 'flannel.1', 'address', mac, 'mtu', '1450', 'type', 'vxlan', ...vxlan);
  await ip('address', 'add', `${base(mine)}/32`, 'dev', 'flannel.1');
  await ip('link', 'set', 'flannel.1', 'up');
  await ip('neigh', 'add', base(peer), 'lladdr', peer.mac, 'dev', 'flannel.1', 'nud', 'permanent');
  await host.run('bridge', 'fdb', 'add', peer.mac, 'dev', 'flannel.1', 'dst', peer.host.ip, 'self', 'permanent');
  await ip('route', 'add', peer.subnet, 'via', base(peer), 'dev', 'flannel.1', 'onlink');
  // Of a node that has gone since.
  await ip('route', 'add', '172.20.200.0/24', 'via', '172.20.200.0', 'dev', 'flannel.1', 'onlink');
}

async function leave(ground: Ground, backend: string, mine: Left, peer: Left): Promise<string> {
  const { host, subnet, mac } = mine;
  const data =
    backend === 'vxlan' ? { BackendType: backend, BackendData: { VNI: 1, VtepMAC: mac } } : { BackendType: backend };
  const lease = /lease (\w+) granted/.exec(await ground.etcd.ctl('lease', 'grant', '86400'))?.[1] ?? '';
  const key = `/coreos.com/network/subnets/${subnet.replace('/', '-')}`;
  await ground.etcd.ctl('put', '--lease', lease, key, JSON.stringify({ PublicIP: host.ip, PublicIPv6: null, ...data }));
  const env = { NETWORK, SUBNET: `${addressIn(subnet, 1)}/24`, MTU: backend === 'vxlan' ? 1450 : 1500, IPMASQ: true };
  await writeFile(
    host.subnetFile,
    Object.entries(env)
      .map(([name, value]) => `FLANNEL_${name}=${value}\n`)
      .join(''),
  );
  await host.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  if (backend === 'vxlan') await leaveVxlan(mine, peer);
  else await host.run('ip', 'route', 'add', peer.subnet, 'via', peer.host.ip, 'dev', 'eth0');
  await leaveRules(mine);
  return lease;
}

for (const backend of ['vxlan', 'host-gw'])
  describe(`a flanneld's leftovers are adopted: ${backend}`, () => {
    let before: Awaited<ReturnType<typeof snapshot>>;
    let ground: Ground;
    let nodes: readonly [Left, Left];
    let leases: readonly string[];
    let containers: readonly [Container, Container];
    let daemon: Running;

    slowBefore(HOOK_MS, async () => {
      before = await snapshot(MINE);
      ground = await makeGround(NAME, 2);
      const [one, two] = ground.hosts as [Host, Host];
      await one.tsflannel('config', 'set', '--network', NETWORK, '--backend', backend);
      nodes = [
        { host: one, subnet: '172.20.57.0/24', mac: '86:f4:11:22:33:01' },
        { host: two, subnet: '172.20.64.0/24', mac: '86:f4:11:22:33:02' },
      ];
      leases = [await leave(ground, backend, ...nodes), await leave(ground, backend, nodes[1], nodes[0])];
      containers = [await ground.attach(one), await ground.attach(two)];
    });
    slowAfter(HOOK_MS, async () => {
      await ground?.close();
      await leftNothing(before, () => snapshot(MINE));
    });

    async function start({ host }: Left, ...flags: string[]): Promise<void> {
      daemon = await host.up('--ip-masq', ...flags);
    }

    it('one node after the other, under a ping that loses nothing: same subnet, same lease, same MAC', async () => {
      const ping = pingFrom(containers[0], containers[1].ip);
      await ping.replies(20);
      for (const [i, node] of nodes.entries()) {
        const { steps } = JSON.parse(await node.host.tsflannel('plan', '--adopt', '--ip-masq', '--json')) as Planned;
        assert.ok(!steps.some(({ action }) => action === 'blocked'), JSON.stringify(steps));
        assert.ok(steps.some(({ action, object }) => action === 'replace' && object.startsWith('route ')));
        assert.equal(steps.filter(({ action, object }) => action === 'remove' && /FLANNEL-/.test(object)).length, 4);
        await start(node, '--adopt');
        await ping.replies(50);
        assert.equal((await node.host.env()).FLANNEL_SUBNET, `${addressIn(node.subnet, 1)}/24`);
        const key = `/coreos.com/network/subnets/${node.subnet.replace('/', '-')}`;
        const text = await ground.etcd.ctl('get', key, '-w', 'json');
        const [kv] = (JSON.parse(text) as { kvs: { value: string }[] }).kvs;
        const value = JSON.parse(Buffer.from(kv?.value ?? '', 'base64').toString()) as Record<string, unknown>;
        assert.match(String(value.NodeID), /^[0-9a-f]{32}$/);
        if (backend === 'vxlan') assert.deepEqual(value.BackendData, { VNI: 1, VtepMAC: node.mac });
        assert.equal(BigInt(/"lease":(\d+)/.exec(text)?.[1] ?? 0).toString(16), leases[i]?.replace(/^0+/, ''));
      }
      const { sent, missing } = await ping.end();
      console.log(`      ${backend}: ${sent} sent, ${missing} lost`);
      assert.equal(missing, 0);
    }).timeout(240_000);

    it('leaves nothing of flanneld’s beside: routes and rules are ours, the stale route is gone', async () => {
      for (const { host } of nodes) {
        const rules = await host.run('iptables-save');
        assert.doesNotMatch(rules, /FLANNEL-(?:FWD|POSTRTG)\b(?<!TSFLANNEL-(?:FWD|POSTRTG))|flanneld/);
        assert.equal(rules.match(/-j TSFLANNEL-/g)?.length, 2);
        const routes = await host.run('ip', 'route', 'show', 'root', NETWORK);
        const foreign = routes.split('\n').filter((route) => !/proto 241|proto kernel/.test(route));
        assert.deepEqual(foreign, []);
        assert.doesNotMatch(routes, /172\.20\.200\./);
        const { steps } = JSON.parse(await host.tsflannel('plan', '--json')) as { steps: unknown[] };
        assert.deepEqual(steps, []);
      }
    });

    it('keeps the MAC when it is started again, without --adopt and with the device gone', async () => {
      if (backend !== 'vxlan') return;
      await daemon.stop('SIGTERM');
      const [, { host, mac }] = nodes;
      await host.run('ip', 'link', 'delete', 'flannel.1');
      await start(nodes[1]);
      assert.match(await host.run('ip', 'link', 'show', 'flannel.1'), new RegExp(mac));
      const ping = pingFrom(containers[0], containers[1].ip);
      await ping.replies(5);
      await ping.end();
    }).timeout(240_000);
  });
