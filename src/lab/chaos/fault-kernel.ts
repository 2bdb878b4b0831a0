import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { flushRules, layRulesAgain } from './canaries.ts';
import type { Fault } from './chaos.ts';
import { BETWEEN_MS, ownRoutes, restartDaemon, routeMark, VICTIM } from './parts.ts';
import type { Backend, Stage } from './stage.ts';
import { DEVICES } from './ways.ts';

/** Rows about somebody who changes what is ours in the kernel, by `ip` and `nft` as another program would. */

type Run = (stage: Stage) => Promise<unknown>;

const vandal = (name: string, about: string, run: Run, backends?: readonly Backend[]): Fault => ({
  row: 16,
  name,
  about,
  budget: () => ({ gapMs: 1_000, healMs: 1_000 }),
  hits: [VICTIM],
  ...(backends && { backends }),
  run: async (stage) => void (await run(stage)),
});

const anyRoute = async (stage: Stage): Promise<string> => (await ownRoutes(stage)).at(-1)?.[0] ?? '';

/** One line of a table of the device. */
async function lineOf({ run }: Stage, ...argv: string[]): Promise<string[]> {
  const lines = (await run(VICTIM, ...argv)).split('\n').filter((line) => / dst |lladdr/.test(line));
  return (lines[0] ?? '').trim().split(/\s+/);
}

const VXLAN = ['vxlan'] as const;
const WITH_DEVICE = ['vxlan', 'udp'] as const;

const link =
  (...argv: string[]): Run =>
  (stage) =>
    stage.run(VICTIM, 'ip', 'link', ...argv.map((word) => (word === 'DEV' ? DEVICES[stage.backend] : word)));

const VANDALS: readonly Fault[] = [
  vandal('route-deleted', 'one route to a peer is deleted', async (stage) =>
    stage.run(VICTIM, 'ip', 'route', 'del', await anyRoute(stage)),
  ),
  vandal(
    'fdb-deleted',
    'an entry of the forwarding database is deleted',
    async (stage) => {
      const [mac = '', ...rest] = await lineOf(stage, 'bridge', 'fdb', 'show', 'dev', DEVICES.vxlan);
      await stage.run(VICTIM, 'bridge', 'fdb', 'del', mac, 'dev', DEVICES.vxlan, ...rest.slice(0, 2));
    },
    VXLAN,
  ),
  vandal(
    'neighbour-deleted',
    'a neighbour on the device is deleted',
    async (stage) => {
      const [ip = ''] = await lineOf(stage, 'ip', 'neigh', 'show', 'dev', DEVICES.vxlan, 'nud', 'permanent');
      await stage.run(VICTIM, 'ip', 'neigh', 'del', ip, 'dev', DEVICES.vxlan);
    },
    VXLAN,
  ),
  vandal('rules-flushed', 'all of nft is flushed', (stage) => flushRules(stage, VICTIM)),
  vandal('mtu-changed', 'the device gets another MTU', link('set', 'DEV', 'mtu', '1300'), WITH_DEVICE),
  // One by one: `ip route flush` goes on as long as it finds some, which is a fight (below) and no accident.
  vandal('routes-deleted', 'all our routes are deleted', async (stage) => {
    await stage.pause(BETWEEN_MS);
    for (const [dst = ''] of await ownRoutes(stage)) await stage.run(VICTIM, 'ip', 'route', 'del', dst);
  }),
  vandal(
    'device-down',
    'the device is set down',
    async (stage) => {
      await stage.pause(BETWEEN_MS);
      await link('set', 'DEV', 'down')(stage);
    },
    WITH_DEVICE,
  ),
  vandal('route-replaced', 'a route is replaced by one that leads nowhere', async (stage) => {
    await stage.pause(BETWEEN_MS);
    const dst = await anyRoute(stage);
    await stage.run(VICTIM, 'ip', 'route', 'del', dst);
    await stage.attempt(VICTIM, 'ip', 'route', 'add', 'unreachable', dst, ...routeMark(stage));
  }),
  vandal(
    'address-deleted',
    'the device loses its address, and with it every route over it',
    async (stage) => {
      await stage.pause(BETWEEN_MS);
      const device = DEVICES[stage.backend];
      const text = await stage.run(VICTIM, 'ip', '-4', '-o', 'addr', 'show', 'dev', device);
      await stage.run(VICTIM, 'ip', 'addr', 'del', / inet (\S+)/.exec(text)?.[1] ?? '', 'dev', device);
    },
    WITH_DEVICE,
  ),
  vandal(
    'device-deleted',
    'the device is deleted',
    async (stage) => {
      await stage.pause(BETWEEN_MS);
      await link('del', 'DEV')(stage);
    },
    WITH_DEVICE,
  ),
];

const FIGHT_MS = 12_000;

const fight: Fault = {
  row: 16,
  name: 'route-fought-over',
  about:
    'another program deletes one route 20 times a second for 12 s: at most one restore in 5 s, then it is left alone',
  budget: () => ({ gapMs: FIGHT_MS + 6_000, healMs: 6_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { attempt, pause, expect, note } = stage;
    const route = await anyRoute(stage);
    let restored = 0;
    for (const end = performance.now() + FIGHT_MS; performance.now() < end; await pause(50))
      if ((await attempt(VICTIM, 'ip', 'route', 'del', route)).exit === 0) restored++;
    note(`${restored} restores`);
    expect(restored <= 2 + FIGHT_MS / 5_000 + 1, `${restored} restores in 12 s`);
  },
};

const DEAF_MS = 35_000;

const deafened: Fault = {
  row: 16,
  name: 'bell-dead',
  about:
    'the kernel no longer tells the daemon of changes, and one route is deleted: the look every half minute finds it',
  budget: () => ({ gapMs: DEAF_MS, healMs: DEAF_MS }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { deafen } = await import('../../host/deafen.ts');
    const sockets = deafen(stage.subject.pid(stage.node(VICTIM)) as number);
    stage.expect(sockets > 0, 'it listens to nothing');
    await stage.run(VICTIM, 'ip', 'route', 'del', await anyRoute(stage));
  },
  undo: (stage) => restartDaemon(stage, VICTIM),
};

/** More than the messages that its socket has room for. */
const MANY_ROUTES = 30_000;

const overflown: Fault = {
  row: 16,
  name: 'bell-overflows',
  about: `while the daemon is stopped another program makes ${MANY_ROUTES} routes and removes them, and one of ours: more than the kernel keeps to tell`,
  budget: () => ({ gapMs: Number.POSITIVE_INFINITY, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { node, run, subject } = stage;
    const file = join(node(VICTIM).dir, 'routes.batch');
    const lines = ['add', 'del'].flatMap((how) =>
      Array.from({ length: MANY_ROUTES }, (_, i) => `route ${how} 100.64.${i >> 8}.${i & 255} dev lo`),
    );
    await writeFile(file, lines.join('\n'));
    const pid = subject.pid(node(VICTIM)) as number;
    const route = await anyRoute(stage);
    process.kill(pid, 'SIGSTOP');
    try {
      await run(VICTIM, 'ip', 'route', 'del', route);
      await run(VICTIM, 'ip', '-batch', file);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  },
};

/** With udp the route covers the network, and one of somebody else's there is no obstacle: each peer gets a route of its own. */
async function isGotRound(stage: Stage): Promise<boolean> {
  if (stage.backend !== 'udp') return (await stage.attempt(VICTIM, 'tsflannel', 'plan')).stdout.includes('blocked');
  return (await ownRoutes(stage)).length === stage.lab.nodes.length - 1;
}

/** The route that was ours before. */
let usual = '';

const foreignRoute: Fault = {
  row: 17,
  name: 'foreign-route',
  about:
    "somebody else's route lies where ours belongs, before `up`; it stays, is named or (udp) got round, and ours comes when it has gone",
  budget: () => ({ gapMs: Number.POSITIVE_INFINITY, healMs: 6_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { run, attempt, kill, until, expect } = stage;
    usual = await anyRoute(stage);
    await kill(VICTIM);
    await run(VICTIM, 'ip', 'route', 'del', usual);
    await run(VICTIM, 'ip', 'route', 'add', usual, 'via', '198.18.255.254', 'proto', 'static');
    try {
      await attempt(VICTIM, 'tsflannel', 'up', '--detach', '--timeout', '10');
      await until('the foreign route is named by plan or got round', () => isGotRound(stage));
      const there = await run(VICTIM, 'ip', 'route', 'show', 'exact', usual);
      expect(there.includes('proto static'), 'the foreign route was touched');
    } finally {
      await run(VICTIM, 'ip', 'route', 'del', usual, 'proto', 'static');
    }
    if (stage.subject.pid(stage.node(VICTIM)) === undefined) await stage.start(VICTIM);
  },
  healed: async (stage) => (await ownRoutes(stage)).some(([dst]) => dst === usual),
};

const forwardDrop: Fault = {
  row: 28,
  name: 'forward-policy-drop',
  about: 'the FORWARD policy is set to DROP and its rules are flushed, as Docker or a firewall does',
  budget: () => ({ gapMs: 1_000, healMs: 1_000 }),
  hits: [VICTIM],
  async run(stage) {
    await stage.run(VICTIM, 'iptables', '-P', 'FORWARD', 'DROP');
    await stage.run(VICTIM, 'iptables', '-F', 'FORWARD');
    await layRulesAgain(stage, VICTIM);
  },
  undo: async ({ run }) => void (await run(VICTIM, 'iptables', '-P', 'FORWARD', 'ACCEPT')),
};

export const KERNEL_FAULTS: readonly Fault[] = [...VANDALS, ...[fight, deafened, overflown, foreignRoute, forwardDrop]];
