/** What only the real kernel can be asked. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { diff } from '../../../src/kernel/diff.ts';
import { linuxKernel } from '../../../src/kernel/linux/linux.ts';
import { type FilterFacts, type KernelObject, type Kind, keyOf, type Plan } from '../../../src/kernel/state.ts';
import { libc } from '../../../src/sys/libc.ts';
import { golden } from '../../support/golden.ts';
import { chain, host, jump, prefix, route, SYSCTLS, tun, vxlan } from './objects.ts';
import { run } from './stranger.ts';
import type { KernelBench } from './suite.ts';

const create = (...objects: KernelObject[]): Plan =>
  objects.map((object) => ({ action: 'create', object, because: 'the test' }));
const remove = (...objects: KernelObject[]): Plan =>
  objects.map((object) => ({ action: 'remove', object, previous: object, because: 'the test' }));
const query = { paths: [], sysctls: SYSCTLS };

async function done(kernel: KernelBench['kernel'], plan: Plan): Promise<void> {
  const outcomes = await kernel.apply(plan);
  assert.deepEqual(outcomes.map(({ error }) => error).filter(Boolean), []);
}

/** Rules as Docker 20.10 leaves them, and one by an administrator. */
const DOCKER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER-USER -s 192.0.2.0/24 -m comment --comment "not \\"these\\" -j ACCEPT" -j DROP
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
`;

/** iptables-save without its times and counters. */
const saved = async (variant: string): Promise<string> =>
  (await run(`${variant}-save`)).replace(/^#.*\n?/gm, '').replace(/\[\d+:\d+\]/g, '[0:0]');

const userJump = (): KernelObject => ({ kind: 'jump', table: 'filter', from: 'DOCKER-USER', to: 'TSFLANNEL-FWD' });
const userChain = (): KernelObject => ({
  kind: 'chain',
  table: 'filter',
  name: 'TSFLANNEL-FWD',
  rules: [{ source: { prefix: prefix('172.20.0.0/16'), not: false }, target: 'ACCEPT' }],
});

function filterDetails(bench: () => KernelBench): void {
  for (const variant of ['iptables-nft', 'iptables-legacy'] as const satisfies FilterFacts['variant'][]) {
    it(`puts rules where Docker's are (${variant}) and leaves Docker's as they were`, async () => {
      await execa(`${variant}-restore`, { input: DOCKER });
      try {
        const { kernel } = bench();
        const before = await saved(variant);
        assert.deepEqual(await kernel.filterFacts(), { variant, dockerUser: true });
        const objects = [userChain(), userJump(), chain(), jump()];
        await done(kernel, create(...objects));
        const after = await saved(variant);
        assert.equal(
          before,
          after
            .split('\n')
            .filter((line) => !line.includes('TSFLANNEL-'))
            .join('\n'),
        );
        const first = after.split('\n').find((line) => line.startsWith('-A DOCKER-USER'));
        assert.equal(first, '-A DOCKER-USER -m comment --comment tsflannel -j TSFLANNEL-FWD');
        const wants = objects.map((object) => ({ object, because: 'the test' }));
        assert.deepEqual(diff(wants, await kernel.observe({ ...query, kinds: new Set<Kind>(['chain', 'jump']) })), []);
        await done(kernel, remove(userJump(), jump(), userChain(), chain()));
        assert.equal(await saved(variant), before);
      } finally {
        // A legacy table stays for as long as its namespace; empty it is as good as none.
        for (const table of ['filter', 'nat']) {
          for (const flag of ['-F', '-X']) await run(variant, '-t', table, flag);
          if (table === 'filter') await run(variant, '-P', 'FORWARD', 'ACCEPT');
        }
      }
    });
  }

  it('uses a table of its own where there is no iptables', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kern-path-'));
    const path = process.env.PATH;
    await symlink((await run('which', 'nft')).trim(), join(folder, 'nft'));
    process.env.PATH = folder;
    const kernel = linuxKernel();
    try {
      assert.deepEqual(await kernel.filterFacts(), { variant: 'nft', dockerUser: false });
      const objects = host().filter(({ kind }) => kind === 'chain' || kind === 'jump');
      const wants = objects.map((object) => ({ object, because: 'the test' }));
      await done(kernel, diff(wants, await kernel.observe(query)));
      assert.deepEqual(diff(wants, await kernel.observe(query)), []);
      const outcomes = await kernel.apply(create(userJump()));
      assert.match(outcomes[0]?.error ?? '', /without iptables/);
      await golden('kernel/nft-table.txt', `${await run('nft', '-s', 'list', 'ruleset')}\n`);
      await done(kernel, diff([], await kernel.observe(query)));
      assert.equal(await run('nft', 'list', 'ruleset'), '');
    } finally {
      process.env.PATH = path;
      await kernel.close();
      await rm(folder, { recursive: true });
    }
  });

  it('sees what a stranger put into our chain, and writes the chain anew', async () => {
    const { kernel } = bench();
    await done(kernel, create(chain(), jump()));
    await run('iptables', '-t', 'nat', '-I', chain().name, '1', '-p', 'tcp', '--dport', '80', '-j', 'ACCEPT');
    const wants = [chain(), jump()].map((object) => ({ object, because: 'the test' }));
    const plan = diff(wants, await kernel.observe(query));
    assert.deepEqual(
      plan.map(({ action, object }) => [action, keyOf(object)]),
      [['replace', keyOf(chain())]],
    );
    await done(kernel, plan);
    assert.deepEqual(diff(wants, await kernel.observe(query)), []);
  });
}

function routeDetails(bench: () => KernelBench): void {
  it('shows a route that leads nowhere, or several ways, as what stands in the way', async () => {
    await run('ip', 'route', 'add', 'blackhole', '172.20.64.0/24');
    await run('ip', 'route', 'add', '172.20.65.0/24', 'nexthop', 'via', '10.200.0.7', 'nexthop', 'via', '10.200.0.8');
    const state = await bench().kernel.observe(query);
    assert.equal(state.get('route/172.20.64.0/24/0')?.owner, 'proto boot blackhole');
    const several = state.get('route/172.20.65.0/24/0');
    assert.ok(several?.ours === false && several.object.kind === 'route' && several.object.device === 'eth0');
  });

  it('leaves out other tables and types of service', async () => {
    await run('ip', 'route', 'add', '172.20.64.0/24', 'via', '10.200.0.7', 'table', '77');
    await run('ip', 'route', 'add', '172.20.65.0/24', 'via', '10.200.0.7', 'tos', '0x10');
    const state = await bench().kernel.observe(query);
    assert.ok(!state.has('route/172.20.64.0/24/0') && !state.has('route/172.20.65.0/24/0'));
  });

  it('finishes a replacement that was cut between its two halves', async () => {
    const { kernel } = bench();
    const old = route({ device: 'eth0', via: '10.200.0.7', onlink: false });
    const moved = route({ device: 'eth0', via: '10.200.0.8', onlink: false });
    await done(kernel, create(old));
    await run('ip', 'route', 'append', '172.20.64.0/24', 'via', '10.200.0.8', 'proto', '241');
    await done(kernel, [{ action: 'replace', object: moved, previous: old, because: 'the test' }]);
    assert.equal(
      (await run('ip', 'route', 'show', '172.20.64.0/24')).trim(),
      '172.20.64.0/24 via 10.200.0.8 dev eth0 proto 241',
    );
  });
}

const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI_VNET_HDR = 0x1 | 0x1000 | 0x4000;

function otherDetails(bench: () => KernelBench): void {
  it('makes a vxlan node as iproute2 and iptables show it', async () => {
    const { kernel } = bench();
    const wants = host()
      .filter(({ kind }) => kind !== 'file')
      .map((object) => ({ object, because: 'the test' }));
    await done(kernel, diff(wants, await kernel.observe(query)));
    await done(kernel, create(tun()));
    const shown = [
      await run('ip', '-d', 'link', 'show', 'dev', 'flannel.1'),
      await run('ip', '-d', 'link', 'show', 'dev', 'flannel0'),
      await run('ip', '-4', 'address', 'show', 'dev', 'flannel.1'),
      await run('ip', 'route', 'show', 'proto', '241'),
      await run('ip', 'neigh', 'show', 'nud', 'permanent'),
      await run('bridge', 'fdb', 'show', 'dev', 'flannel.1'),
      await saved('iptables-nft'),
    ];
    const text = shown
      .map((part) =>
        part
          .trim()
          .replace(/^\d+: /gm, '')
          .replace(/ +$/gm, ''),
      )
      .join('\n\n');
    // The carrier comes and goes by itself, and sizes of segmentation offload depend on the kernel's version.
    const steady = text.replace(/(<NO-CARRIER,|,LOWER_UP| state \w+| gso_max_size .*| numtxqueues .*)/g, (part) =>
      part.startsWith('<') ? '<' : '',
    );
    await golden('kernel/vxlan-node.txt', `${steady}\n`);
  });

  it('makes a tun device that another program attaches to with vnet headers, and that outlives it', async () => {
    const { kernel } = bench();
    await done(kernel, create(tun()));
    const fd = openSync('/dev/net/tun', 'r+');
    const request = Buffer.alloc(40);
    request.write('flannel0', 'latin1');
    request.writeUInt16LE(IFF_TUN_NO_PI_VNET_HDR, 16);
    assert.equal(libc().ioctlPointer(fd, TUNSETIFF, request), 0);
    closeSync(fd);
    assert.ok((await kernel.observe(query)).get('link/flannel0')?.ours);
  });

  it('leaves no tun device behind whose making failed', async () => {
    const { kernel } = bench();
    const [outcome] = await kernel.apply(create({ ...tun(), mtu: 1 }));
    assert.match(outcome?.error ?? '', /mtu/i);
    assert.ok(!(await kernel.observe(query)).has('link/flannel0'));
  });

  it('rings every kind when the kernel had to drop messages', async function () {
    this.timeout(20_000);
    const { kernel } = bench();
    const other = linuxKernel();
    const rung = new Promise<ReadonlySet<Kind>>((resolve) => {
      kernel.monitor((kinds) => kinds.size > 5 && resolve(kinds));
    });
    const base = prefix('172.16.0.0/12').address;
    const routes = Array.from({ length: 30_000 }, (_, i) => ({
      ...route({ device: 'eth0', via: '10.200.0.2', onlink: false }),
      dst: { family: 4 as const, address: base + BigInt(i), length: 32 },
    }));
    await done(other, create(...routes));
    assert.ok((await rung).has('chain'));
    await other.close();
  });

  it('lets the process end once the monitor is closed', async () => {
    const main = fileURLToPath(new URL('../../../src/kernel/linux/linux.ts', import.meta.url));
    const script = `const { linuxKernel } = await import(${JSON.stringify(main)});
      const kernel = linuxKernel(); kernel.monitor(() => {}).close(); kernel.monitor(() => {}); await kernel.close();`;
    const argv = ['--input-type=module', '-e', script];
    const { exitCode, stderr } = await execa(process.execPath, argv, { timeout: 10_000, reject: false });
    assert.equal(exitCode, 0, stderr);
  });

  it('names the device and the reason in an error', async () => {
    const [outcome] = await bench().kernel.apply(create(vxlan({ device: 'lo' }), vxlan({ vni: 1 << 24 })));
    assert.equal(outcome?.result, 'done');
    const [refused] = await bench().kernel.apply(create({ ...vxlan({ vni: 1 << 24 }), name: 'flannel.2' }));
    assert.match(refused?.error ?? '', /\(E[A-Z]+\)$/);
  });
}

export function linuxDetails(open: () => Promise<KernelBench>): void {
  describe('the real kernel', () => {
    let bench: KernelBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());
    filterDetails(() => bench);
    routeDetails(() => bench);
    otherDetails(() => bench);
  });
}
