import { join } from 'node:path';
import type { Fault } from './chaos.ts';
import { keyOf, leave, noLoss, subnetNow, VICTIM } from './parts.ts';
import type { Stage } from './stage.ts';

/** Rows about the daemon's own process. */

const killed: Fault = {
  row: 1,
  name: 'daemon-killed',
  about: 'kill -9 of a daemon at a random moment, started again at once: 100 times (short: 5), on the nodes in turn',
  budget: (backend) => ({ gapMs: noLoss(backend), healMs: 1_000 }),
  async run({ short, random, lab, kill, start, pause }) {
    for (let i = 0; i < (short ? 5 : 100); i++) {
      const number = 1 + (i % lab.nodes.length);
      await pause(random() * 200);
      await kill(number);
      await start(number);
    }
  },
};

/** A daemon may say that it is up before it has swept. Of another's than ours it is known that some never do. */
const sweptMs = ({ subject }: Stage): number => (subject.own ? 20_000 : 3_000);

const peerGone: Fault = {
  row: 1,
  name: 'peer-gone-meanwhile',
  about: 'a node leaves while the daemon of another is dead; what led to it is swept at its start',
  budget: () => ({ gapMs: Number.POSITIVE_INFINITY, healMs: 1_000 }),
  hits: [3, VICTIM],
  async run(stage) {
    const gone = await subnetNow(stage, 3);
    await stage.kill(VICTIM);
    await leave(stage, 3);
    try {
      await stage.start(VICTIM);
      const isSwept = async () => (await stage.run(VICTIM, 'ip', 'route', 'show', 'exact', gone)) === '';
      await stage.until('the route to the node that went is not swept', isSwept, sweptMs(stage));
    } finally {
      await stage.start(3);
    }
  },
};

const MOMENTS = 12;

const killedStarting: Fault = {
  row: 2,
  name: 'killed-while-starting',
  about: `kill -9 at ${MOMENTS} moments of a start, 50 ms apart`,
  budget: (backend) => ({ gapMs: backend === 'udp' ? 60_000 : 0, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run({ kill, start, attempt }) {
    await kill(VICTIM);
    for (let i = 1; i <= MOMENTS; i++)
      await attempt(VICTIM, 'timeout', '-s', 'KILL', String(0.1 + i * 0.05), 'tsflannel', 'up');
    await start(VICTIM);
  },
};

const stopped: Fault = {
  row: 3,
  name: 'daemon-stopped',
  about: 'SIGTERM, two seconds without a daemon, start',
  budget: (backend) => ({ gapMs: backend === 'udp' ? 3_500 : 0, healMs: 1_000 }),
  hits: [VICTIM],
  async run({ kill, start, pause }) {
    await kill(VICTIM, 'SIGTERM');
    await pause(2_000);
    await start(VICTIM);
  },
};

const down: Fault = {
  row: 3,
  name: 'down-and-up',
  about: '`down` gives the lease back and leaves nothing',
  budget: () => ({ gapMs: Number.POSITIVE_INFINITY, healMs: 1_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const before = await subnetNow(stage, VICTIM);
    await stage.run(VICTIM, 'tsflannel', 'down');
    stage.expect((await stage.etcdctl('get', keyOf(before))) === '', `${before} is still leased after down`);
    const left = await stage.leftOn(VICTIM);
    stage.expect(left === '', `left by down: ${left}`);
    await stage.start(VICTIM);
  },
};

const subnets = (stage: Stage): Promise<string[]> =>
  Promise.all(stage.lab.nodes.map((_, i) => subnetNow(stage, i + 1)));

/** Every node in turn goes on with what the other version left it. */
async function change(stage: Stage, start: (number: number) => Promise<unknown>): Promise<void> {
  const before = await subnets(stage);
  for (const [i] of stage.lab.nodes.entries()) {
    await stage.kill(i + 1, 'SIGTERM');
    await start(i + 1);
  }
  stage.expect((await subnets(stage)).join() === before.join(), 'a node has another subnet than before');
}

const rolling: Fault = {
  row: 24,
  name: 'rolling-restart',
  about: 'every daemon in turn is stopped and started; all keep their subnets',
  budget: (backend) => ({ gapMs: noLoss(backend) * 1.5, healMs: 1_000 }),
  run: (stage) => change(stage, (number) => stage.start(number)),
};

const upgraded: Fault = {
  row: 24,
  name: 'upgraded-and-back',
  about: 'every node in turn runs the former version, and then this one again; what the one left the other adopts',
  budget: (backend) => ({ gapMs: noLoss(backend) * 1.5, healMs: 1_000 }),
  ownOnly: true,
  formerOnly: true,
  async run(stage) {
    await change(stage, (number) => stage.run(number, join(stage.former ?? '', 'bin/tsflannel'), 'up', '--detach'));
    await stage.pause(1_000);
    await change(stage, (number) => stage.start(number));
  },
};

const crashLoop: Fault = {
  row: 30,
  name: 'crash-loop',
  about: 'kill -9 each second, 60 times (short: 5), as under a supervisor',
  budget: (backend) => ({ gapMs: noLoss(backend) * 2, healMs: 1_000 }),
  hits: [VICTIM],
  async run({ short, kill, start, pause, etcdctl, expect }) {
    const leases = async () =>
      (await etcdctl('lease', 'list')).split('\n').filter((line) => /^[0-9a-f]{8,}$/.test(line));
    const before = await leases();
    for (let i = 0; i < (short ? 5 : 60); i++) {
      await kill(VICTIM);
      await start(VICTIM);
      await pause(500);
    }
    const more = (await leases()).filter((id) => !before.includes(id));
    expect(more.length === 0, `${more.length} etcd leases more than before`);
  },
};

const second: Fault = {
  row: 30,
  name: 'second-daemon',
  about: 'a second daemon on one node is refused',
  budget: () => ({ gapMs: 0, healMs: 1_000 }),
  ownOnly: true,
  async run({ attempt, expect }) {
    const { exit, stdout } = await attempt(VICTIM, 'tsflannel', 'up', '--detach', '--json');
    expect(exit === 6 && stdout.includes('"ALREADY_RUNNING"'), `exit ${exit}: ${stdout.slice(0, 200)}`);
  },
};

/** Shifts what JavaScript takes for the time: hours, years, and to and fro ten times a second. */
const CLOCK = `const real = Date.now; const Real = Date; const begun = real();
const HOUR = 3600e3, YEAR = 365 * 24 * HOUR;
const offset = () => { const s = (real() - begun) / 1000;
  if (s < 1.5) return 0; if (s < 3) return HOUR; if (s < 4.5) return -HOUR; if (s < 6) return 10 * YEAR; if (s < 7.5) return -10 * YEAR;
  return s < 10 ? (Math.floor(s * 10) % 2 ? HOUR : -HOUR) : 0; };
globalThis.Date = class extends Real { constructor(...a) { if (a.length === 0) super(Date.now()); else super(...a); }
  static now() { return real() + offset(); } };`;

const clock: Fault = {
  row: 12,
  name: 'wall-clock-jumps',
  about:
    'the daemon sees the wall clock go an hour and ten years to and fro, then ten times a second; a lease of 12 s is renewed',
  budget: (backend) => ({ gapMs: noLoss(backend) * 2, healMs: 1_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { node, kill, run, etcdctl, expect, pause } = stage;
    const file = join(node(VICTIM).dir, 'clock.mjs');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, CLOCK);
    const before = await subnetNow(stage, VICTIM);
    await kill(VICTIM);
    const up = ['tsflannel', 'up', '--detach', '--lease-ttl', '12s'];
    await run(VICTIM, 'env', `NODE_OPTIONS=--import=${file}`, ...up);
    const written = await etcdctl('get', keyOf(before), '-w', 'fields');
    await pause(14_000);
    const now = await etcdctl('get', keyOf(before), '-w', 'fields');
    const create = /"CreateRevision" : (\d+)/;
    expect(create.exec(written)?.[1] === create.exec(now)?.[1], 'the lease was lost and claimed anew');
    expect((await subnetNow(stage, VICTIM)) === before, 'another subnet than before');
    await kill(VICTIM, 'SIGTERM');
    await stage.start(VICTIM, '--lease-ttl', '24h');
  },
};

export const DAEMON_FAULTS: readonly Fault[] = [
  ...[killed, peerGone, killedStarting, stopped, down],
  ...[clock, rolling, upgraded, crashLoop, second],
];
