/**
 * What version 0.1.0 left on a node that is upgraded: this version goes on with it, and takes nothing of it away, not for a moment. The
 * state was recorded from that version (left-by-0.1.0.json); `lab chaos --former` does the same with the version itself, under a flow.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { readView } from '../../src/files/view-file.ts';
import { type Ground, type Host, makeGround } from '../support/ground.ts';
import { slowAfter, slowBefore } from '../support/hooks.ts';
import { until } from '../support/until.ts';

const HOOK_MS = 60_000;
const PREFIX = '/coreos.com/network';

/** As the file has it. */
interface Left {
  readonly node: Readonly<Record<string, unknown>>;
  readonly view: string;
  readonly env: string;
  readonly config: string;
  readonly leases: Readonly<Record<string, string>>;
  readonly ip: readonly string[];
  readonly bridge: readonly string[];
  readonly rules: readonly string[];
}

const OWN = '172.17.57.0-24';

async function feed(host: Host, argv: readonly string[], lines: readonly string[]): Promise<void> {
  await execa('nsenter', [`--net=/run/netns/${host.namespace}`, '--', ...argv], { input: `${lines.join('\n')}\n` });
}

async function layFiles(host: Host, { node, view, env }: Left): Promise<void> {
  await mkdir(join(host.dir, 'state'), { recursive: true });
  const state = { ...node, subnetFile: host.subnetFile };
  await writeFile(join(host.dir, 'state/node.json'), JSON.stringify(state), { mode: 0o600 });
  await writeFile(join(host.dir, 'state/view.json'), view, { mode: 0o600 });
  await writeFile(host.subnetFile, env);
}

/** Files, keys and kernel objects, as that version's daemon left them when it was told to end. */
async function lay({ etcd }: Ground, host: Host, left: Left): Promise<void> {
  await layFiles(host, left);
  await etcd.ctl('put', `${PREFIX}/config`, left.config);
  const lease = /lease (\S+) granted/.exec(await etcd.ctl('lease', 'grant', '86400'))?.[1] ?? '';
  for (const [name, value] of Object.entries(left.leases))
    await etcd.ctl('put', `--lease=${lease}`, `${PREFIX}/subnets/${name}`, value);
  await feed(host, ['ip', '-batch', '-'], left.ip);
  await feed(host, ['bridge', '-batch', '-'], left.bridge);
  await feed(host, ['iptables-restore', '--noflush'], left.rules);
}

/** What containers' packets go by: the device with its number, the way to the peer, and the rules. */
async function waysOf(host: Host): Promise<readonly string[]> {
  const [link] = JSON.parse(await host.run('ip', '-j', 'link', 'show', 'flannel.1')) as Record<string, unknown>[];
  return [
    ...['ifindex', 'address', 'mtu', 'ifalias', 'operstate'].map((name) => `${name} ${link?.[name]}`),
    await host.run('ip', 'route', 'show', 'proto', '241'),
    await host.run('ip', 'neigh', 'show', 'nud', 'permanent'),
    await host.run('bridge', 'fdb', 'show', 'dev', 'flannel.1'),
    await host.run('iptables', '-S', 'TSFLANNEL-FWD'),
    await host.run('iptables', '-t', 'nat', '-S', 'TSFLANNEL-POSTRTG'),
  ];
}

const createdAt = async ({ etcd }: Ground): Promise<string | undefined> =>
  /"CreateRevision" : (\d+)/.exec(await etcd.ctl('get', `${PREFIX}/subnets/${OWN}`, '-w', 'fields'))?.[1];

describe('an upgrade from 0.1.0', function () {
  this.timeout(HOOK_MS);
  let ground: Ground;
  let host: Host;
  let left: Left;

  slowBefore(HOOK_MS, async () => {
    left = JSON.parse(await readFile(join(import.meta.dirname, 'left-by-0.1.0.json'), 'utf8')) as Left;
    ground = await makeGround('chaos-up', 2);
    host = ground.hosts[1]!;
    await lay(ground, host, left);
  });
  slowAfter(HOOK_MS, () => ground?.close());

  it('reads what etcd said last', async () => {
    const view = await readView(join(host.dir, 'state'));
    assert.ok(view?.ok);
    assert.equal(view.value.kvs.length, 3);
  });

  it('goes on with device, routes, neighbours, rules, subnet and lease, and removes none of them for a moment', async () => {
    const [before, claimed] = [await waysOf(host), await createdAt(ground)];
    const monitor = host.start(['ip', 'monitor', 'link', 'address', 'route', 'neigh']);
    const daemon = host.startTsflannel('up');
    const isUp = async () => /^No change/.test(await host.tsflannel('plan').catch(() => ''));
    await until(`the daemon is up: ${daemon.said()}`, isUp, 40_000);
    await monitor.stop();
    assert.deepEqual(
      monitor
        .said()
        .split('\n')
        .filter((line) => line.startsWith('Deleted')),
      [],
    );
    assert.deepEqual(await waysOf(host), before);
    assert.equal(await createdAt(ground), claimed, 'the lease was claimed anew');
    assert.equal((await host.env()).FLANNEL_SUBNET, '172.17.57.1/24');
    await daemon.stop();
  });

  it('leaves nothing of it after down', async () => {
    await host.tsflannel('down');
    assert.doesNotMatch(await host.run('ip', '-o', 'link'), /flannel/);
    assert.doesNotMatch(await host.run('iptables-save'), /TSFLANNEL/);
    assert.equal(await createdAt(ground), undefined);
  });
});
