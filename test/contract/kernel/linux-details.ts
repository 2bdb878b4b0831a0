/** What only the real kernel can be asked. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { readIfThere } from '../../../src/files/atomic.ts';
import { diff } from '../../../src/kernel/diff.ts';
import type { Kind } from '../../../src/kernel/state.ts';
import { libc } from '../../../src/sys/libc.ts';
import { golden } from '../../support/golden.ts';
import { type Benches, benches, create, type KernelBench, step, wanted } from './bench.ts';
import { linuxFilters } from './linux-filters.ts';
import { linuxSources } from './linux-sources.ts';
import { host, route, tun, vxlan } from './objects.ts';
import { run, saved } from './stranger.ts';

function routeDetails({ done, observe }: Benches): void {
  it('shows a route that leads nowhere, or several ways, as what stands in the way', async () => {
    await run('ip', 'route', 'add', 'blackhole', '172.20.64.0/24');
    await run('ip', 'route', 'add', '172.20.65.0/24', 'nexthop', 'via', '10.200.0.7', 'nexthop', 'via', '10.200.0.8');
    const state = await observe();
    assert.equal(state.get('route/172.20.64.0/24/0')?.owner, 'proto boot blackhole');
    const several = state.get('route/172.20.65.0/24/0');
    assert.ok(several?.ours === false && several.object.kind === 'route' && several.object.device === 'eth0');
  });

  it('replaces, and removes, what leads nowhere in our name', async () => {
    const right = route({ device: 'eth0', via: '10.200.0.7', onlink: false });
    const show = async () => (await run('ip', 'route', 'show', '172.20.64.0/24')).trim();
    for (const type of ['blackhole', 'unreachable', 'prohibit', 'throw']) {
      await run('ip', 'route', 'add', type, '172.20.64.0/24', 'proto', '241');
      const seen = await observe();
      assert.equal(seen.get('route/172.20.64.0/24/0')?.ours, true);
      await done(diff(wanted([right]), new Map([...seen].filter(([key]) => key.startsWith('route/172.20.64.')))));
      assert.equal(await show(), '172.20.64.0/24 via 10.200.0.7 dev eth0 proto 241');
      await run('ip', 'route', 'del', '172.20.64.0/24');
    }
    await run('ip', 'route', 'add', 'unreachable', '172.20.64.0/24', 'proto', '241');
    await done(diff([], await observe()));
    assert.equal(await show(), '');
  });

  it('leaves out other tables and types of service', async () => {
    await run('ip', 'route', 'add', '172.20.64.0/24', 'via', '10.200.0.7', 'table', '77');
    await run('ip', 'route', 'add', '172.20.65.0/24', 'via', '10.200.0.7', 'tos', '0x10');
    const state = await observe();
    assert.ok(!state.has('route/172.20.64.0/24/0') && !state.has('route/172.20.65.0/24/0'));
  });

  it('finishes a replacement that was cut between its two halves', async () => {
    const old = route({ device: 'eth0', via: '10.200.0.7', onlink: false });
    const moved = route({ device: 'eth0', via: '10.200.0.8', onlink: false });
    await done(create(old));
    await run('ip', 'route', 'append', '172.20.64.0/24', 'via', '10.200.0.8', 'proto', '241');
    await done([step('replace', moved, old)]);
    assert.equal(
      (await run('ip', 'route', 'show', '172.20.64.0/24')).trim(),
      '172.20.64.0/24 via 10.200.0.8 dev eth0 proto 241',
    );
  });
}

const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI_VNET_HDR = 0x1 | 0x1000 | 0x4000;

function otherDetails({ kernel, done, observe }: Benches): void {
  it('makes a vxlan node as iproute2 and iptables show it', async () => {
    const wants = wanted(host().filter(({ kind }) => kind !== 'file'));
    await done(diff(wants, await observe()));
    await done(create(tun()));
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
    await done(create(tun()));
    const fd = openSync('/dev/net/tun', 'r+');
    const request = Buffer.alloc(40);
    request.write('flannel0', 'latin1');
    request.writeUInt16LE(IFF_TUN_NO_PI_VNET_HDR, 16);
    assert.equal(libc().ioctlPointer(fd, TUNSETIFF, request), 0);
    closeSync(fd);
    assert.ok((await observe()).get('link/flannel0')?.ours);
    // No such file: a kernel without IPv6.
    assert.equal((await readIfThere('/proc/sys/net/ipv6/conf/flannel0/disable_ipv6')) ?? '1\n', '1\n');
  });

  it('leaves no tun device behind whose making failed', async () => {
    const [outcome] = await kernel().apply(create({ ...tun(), mtu: 1 }));
    assert.match(outcome?.error ?? '', /mtu/i);
    assert.ok(!(await observe()).has('link/flannel0'));
  });

  it('knows a vxlan device that its maker did not live to mark, and makes it anew', async () => {
    const unmarked = ['type', 'vxlan', 'id', '1', 'dstport', '8472', 'local', '10.200.0.1', 'dev', 'eth0'];
    await run('ip', 'link', 'add', 'flannel.1', 'group', String(0x7473_6601), ...unmarked);
    const [first, ...more] = diff(wanted([vxlan()]), await observe(['link']));
    assert.deepEqual([first?.action, more.length], ['replace', 0]);
    await done([first!]);
    assert.deepEqual(diff(wanted([vxlan()]), await observe(['link'])), []);
    await run('ip', 'link', 'set', 'flannel.1', 'group', String(0x7473_6601));
    await done(diff([], await observe(['link'])));
    assert.ok(!(await observe()).has('link/flannel.1'));
  });

  it('rings every kind when the kernel had to drop messages', async () => {
    const rung = new Promise<ReadonlySet<Kind>>((resolve) => {
      kernel().monitor((kinds) => kinds.size > 5 && resolve(kinds));
    });
    const lines = Array.from({ length: 30_000 }, (_, i) => `route add 172.30.${i >> 8}.${i & 255} via 10.200.0.2`);
    // Waiting for it without a turn of our event loop: nobody empties the monitor's buffer meanwhile.
    execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') });
    assert.ok((await rung).has('chain'));
  });

  it('lets the process end once the monitor is closed', async () => {
    const main = fileURLToPath(new URL('../../../src/kernel/linux/linux.ts', import.meta.url));
    const script = `const { linuxKernel } = await import(${JSON.stringify(main)});
      const kernel = linuxKernel(); kernel.monitor(() => {}).close(); kernel.monitor(() => {}); await kernel.close();`;
    const argv = ['--input-type=module', '-e', script];
    const { exitCode, stderr } = await execa(process.execPath, argv, { timeout: 100_000, reject: false });
    assert.equal(exitCode, 0, stderr);
  });

  it('names the device and the reason in an error', async () => {
    const [outcome] = await kernel().apply(create(vxlan({ device: 'lo' }), vxlan({ vni: 1 << 24 })));
    assert.equal(outcome?.result, 'done');
    const [refused] = await kernel().apply(create({ ...vxlan({ vni: 1 << 24 }), name: 'flannel.2' }));
    assert.match(refused?.error ?? '', /\(E[A-Z]+\)$/);
  });
}

export function linuxDetails(open: () => Promise<KernelBench>): void {
  describe('the real kernel', () => {
    const all = benches(open);
    linuxFilters(all);
    linuxSources(all);
    routeDetails(all);
    otherDetails(all);
  });
}
