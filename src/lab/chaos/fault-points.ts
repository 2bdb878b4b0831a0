import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FailPoint } from '../../fail-point.ts';
import { runDirOf } from '../node.ts';
import { flushRules } from './canaries.ts';
import type { Fault } from './chaos.ts';
import {
  dropStranger,
  keyOf,
  noLoss,
  ownRoutes,
  putStranger,
  restartDaemon,
  STRANGER,
  subnetNow,
  VICTIM,
} from './parts.ts';
import type { Backend, Stage } from './stage.ts';
import { DEVICES } from './ways.ts';

/** Row 2: the daemon is killed at the fail points of the program, each between two things that belong together. */

const anyGap = Number.POSITIVE_INFINITY;

/** Runs this on the victim until it is killed at the point, the n-th time it comes by it; throws when it ends otherwise. */
async function dies(stage: Stage, argv: readonly string[], point: FailPoint, nth = 1): Promise<void> {
  const told = `TSF_FAILPOINT=${point}:kill:${nth}`;
  const { stderr } = await stage.attempt(VICTIM, 'timeout', '60', 'env', told, 'tsflannel', ...argv);
  stage.expect(stderr.includes(`kill at ${point}`), `it does not come by ${point}: ${stderr.slice(-300)}`);
}

/** One key is the node's, whatever was begun before, and nothing half-written lies about. */
async function checkWhole(stage: Stage): Promise<void> {
  const { ip, dir } = stage.node(VICTIM);
  const leases = (await stage.etcdctl('get', '--prefix', '--print-value-only', keyOf(''))).split('\n');
  const own = leases.filter((value) => value.includes(`"${ip}"`)).length;
  stage.expect(own === 1, `${own} leases of one node`);
  // The daemon writes a file now and then.
  for (const folder of [runDirOf(stage.node(VICTIM)), join(dir, 'state')])
    await stage.until(`nothing half-written in ${folder}`, async () =>
      (await readdir(folder)).every((name) => !name.startsWith('.tsflannel-')),
    );
}

/** A point, which time it is come by, where it is, and what leads there. */
interface Moment {
  readonly point: FailPoint;
  readonly nth?: number;
  readonly backends?: readonly Backend[];
  /** Left out in short. */
  readonly long?: true;
}

/** Something to be done, so that the daemon comes by the point. */
type Stirred = Moment & { readonly stir: (stage: Stage) => Promise<unknown> };

const at = <M extends Moment>(moments: readonly M[], { backend, carrier, short }: Stage): readonly M[] =>
  moments.filter(
    ({ point, backends, long }) =>
      (backends?.includes(backend) ?? true) &&
      !(short && long) &&
      !(point === 'programs-attached' && carrier === 'tun'),
  );

const FIRST_START: readonly Moment[] = [
  { point: 'lease-granted', long: true },
  { point: 'lease-claimed' },
  // The pid, the node's state.
  { point: 'file-written', long: true },
  { point: 'file-written', nth: 2 },
  { point: 'file-written', nth: 3, long: true },
  { point: 'link-made', backends: ['vxlan', 'udp'] },
  { point: 'part-applied' },
  { point: 'part-applied', nth: 2, long: true },
  { point: 'programs-attached', backends: ['udp'] },
];

const firstStart: Fault = {
  row: 2,
  name: 'killed-in-first-start',
  about:
    'kill -9 at each fail point of a first start, from the granted lease to the parts of the plan, and a start each',
  budget: () => ({ gapMs: anyGap, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    for (const { point, nth } of at(FIRST_START, stage)) {
      await stage.run(VICTIM, 'tsflannel', 'down');
      await dies(stage, ['up'], point, nth);
      await stage.start(VICTIM);
      await checkWhole(stage);
    }
  },
};

const RUNNING: readonly Stirred[] = [
  { point: 'events-come', stir: (stage) => putStranger(stage, STRANGER) },
  {
    point: 'lease-renewing',
    // Its key is written as it stands: the daemon looks whether it is still its own.
    async stir(stage) {
      const key = keyOf(await subnetNow(stage, VICTIM));
      await stage.etcdctl('put', '--ignore-lease', '--ignore-value', key);
    },
  },
];

const running: Fault = {
  row: 2,
  name: 'killed-while-running',
  about: 'kill -9 when events have come and are not taken in, and before its lease is renewed; and a start each',
  budget: (backend) => ({ gapMs: noLoss(backend) * 3, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    await stage.kill(VICTIM);
    for (const { point, nth, stir } of at(RUNNING, stage)) {
      const stirred = stage.until('the daemon is up', () => isUp(stage)).then(() => stir(stage));
      await Promise.all([dies(stage, ['up'], point, nth), stirred]);
    }
    await stage.start(VICTIM);
    await checkWhole(stage);
  },
  undo: (stage) => dropStranger(stage, STRANGER),
};

const isUp = async ({ subject, node }: Stage): Promise<boolean> =>
  subject.open(node(VICTIM)).then(
    (steps) => steps === 0,
    () => false,
  );

/** A route to a peer leads to another one. */
async function misleadRoute(stage: Stage): Promise<void> {
  const [[dst = '', ...first] = [], second = []] = await ownRoutes(stage);
  const via = second[second.indexOf('via') + 1] ?? '';
  await stage.run(VICTIM, 'ip', 'route', 'del', dst);
  await stage.run(
    VICTIM,
    'ip',
    'route',
    'add',
    dst,
    ...first.map((word, i) => (first[i - 1] === 'via' ? via : word)),
    'proto',
    '241',
  );
}

/** A device of our mark and another VNI. */
async function misleadDevice({ run, node }: Stage): Promise<void> {
  const ip = (...argv: string[]) => run(VICTIM, 'ip', 'link', ...argv);
  const device = DEVICES.vxlan;
  const [{ ifalias = '' } = {}] = JSON.parse(await run(VICTIM, 'ip', '-j', 'link', 'show', device)) as {
    ifalias?: string;
  }[];
  await ip('del', device);
  await ip('add', device, 'type', 'vxlan', 'id', '9', 'dstport', '8472', 'local', node(VICTIM).ip, 'nolearning');
  await ip('set', device, 'alias', ifalias);
}

const MENDING: readonly Stirred[] = [
  { point: 'route-doubled', backends: ['vxlan', 'host-gw'], stir: misleadRoute },
  { point: 'link-removed', backends: ['vxlan'], stir: misleadDevice },
  { point: 'link-made', backends: ['vxlan'], stir: misleadDevice },
  { point: 'part-applied', stir: (stage) => flushRules(stage, VICTIM) },
];

const mending: Fault = {
  row: 2,
  name: 'killed-while-mending',
  about:
    'kill -9 between the halves of what a start mends: a route, a device, rules that others had changed; and a start each',
  budget: () => ({ gapMs: anyGap, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    for (const { point, nth, stir } of at(MENDING, stage)) {
      await stage.kill(VICTIM);
      await stir(stage);
      await dies(stage, ['up'], point, nth);
      await stage.start(VICTIM);
      await checkWhole(stage);
    }
  },
};

/** Files that a start writes before subnet.env, and some more. */
const MOST_FILES = 8;

const unfinishedIn = async (folder: string): Promise<boolean> =>
  (await readdir(folder)).some((name) => name.startsWith('.tsflannel-'));

const halfWritten: Fault = {
  row: 18,
  name: 'env-killed-before-rename',
  about:
    'kill -9 when subnet.env is whole beside its place and not in it: it is absent then, and nothing is left of it after a start',
  budget: (backend) => ({ gapMs: noLoss(backend) * MOST_FILES, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  tears: true,
  async run(stage) {
    const folder = join(stage.node(VICTIM).dir, 'half');
    const start = ['up', '--subnet-file', join(folder, 'subnet.env')];
    await mkdir(folder, { recursive: true });
    await stage.kill(VICTIM);
    for (let nth = 1; nth <= MOST_FILES && !(await unfinishedIn(folder)); nth++)
      await dies(stage, start, 'file-written', nth);
    const names = await readdir(folder);
    stage.expect(names.length === 1 && (await unfinishedIn(folder)), `there is ${names.join(', ')}`);
    await stage.start(VICTIM, ...start.slice(1));
    const left = (await readdir(folder)).join();
    stage.expect(left === 'subnet.env', `there is ${left}`);
  },
  async undo(stage) {
    await restartDaemon(stage, VICTIM);
    await rm(join(stage.node(VICTIM).dir, 'half'), { recursive: true });
    await checkWhole(stage);
  },
};

const DOWN: readonly Moment[] = [{ point: 'lease-released' }, { point: 'part-applied' }, { point: 'kernel-cleared' }];

const inDown: Fault = {
  row: 2,
  name: 'killed-in-down',
  about:
    'kill -9 of `down` when the lease is given back, amid the plan, and when the kernel is clear; a second `down` leaves nothing',
  budget: () => ({ gapMs: anyGap, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    for (const { point, nth } of DOWN) {
      const subnet = await subnetNow(stage, VICTIM);
      await dies(stage, ['down'], point, nth);
      await stage.run(VICTIM, 'tsflannel', 'down');
      stage.expect((await stage.etcdctl('get', keyOf(subnet))) === '', `${subnet} is still leased after down`);
      const left = await stage.leftOn(VICTIM);
      stage.expect(left === '', `left by down: ${left}`);
      await stage.start(VICTIM);
    }
  },
};

export const POINT_FAULTS: readonly Fault[] = [firstStart, running, mending, halfWritten, inDown];
