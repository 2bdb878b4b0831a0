import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { flushRules } from './canaries.ts';
import type { Fault } from './chaos.ts';
import { type Controller, limitOf, makeGroup, removeGroup } from './control-group.ts';
import {
  dropStranger,
  keyOf,
  knows,
  noLoss,
  putStranger,
  restartDaemon,
  STRANGER,
  subnetNow,
  VICTIM,
} from './parts.ts';
import type { Stage } from './stage.ts';
import { DEVICES } from './ways.ts';

/** Row 29: what the daemon lives by is scarce, or does not do what it should. */

const SQUEEZE_MS = 5_000;

const slow: Fault = {
  row: 29,
  name: 'cpu-starved',
  about: 'the daemon runs 5 ms of each 100 (SIGSTOP, SIGCONT) for 5 s, and etcd changes meanwhile',
  budget: (backend) => ({ gapMs: noLoss(backend), healMs: 5_000 }),
  hits: [VICTIM],
  async run(stage) {
    const pid = stage.subject.pid(stage.node(VICTIM)) as number;
    const put = putStranger(stage, STRANGER);
    try {
      for (const end = performance.now() + SQUEEZE_MS; performance.now() < end; ) {
        process.kill(pid, 'SIGSTOP');
        await stage.pause(95);
        process.kill(pid, 'SIGCONT');
        await stage.pause(5);
      }
    } finally {
      process.kill(pid, 'SIGCONT');
      await put;
    }
  },
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => dropStranger(stage, STRANGER),
};

const noFiles: Fault = {
  row: 29,
  name: 'no-file-descriptors',
  about: 'the daemon may open no more files for 5 s, rules are flushed and etcd changes meanwhile',
  budget: () => ({ gapMs: SQUEEZE_MS + 7_000, healMs: 7_000 }),
  hits: [VICTIM],
  async run(stage) {
    const { run, pause } = stage;
    const pid = String(stage.subject.pid(stage.node(VICTIM)));
    const before = (
      await run(VICTIM, 'prlimit', '--pid', pid, '--nofile', '--noheadings', '--raw', '--output', 'SOFT')
    ).trim();
    await run(VICTIM, 'prlimit', '--pid', pid, '--nofile=3:');
    await flushRules(stage, VICTIM);
    await putStranger(stage, STRANGER);
    await pause(SQUEEZE_MS);
    await run(VICTIM, 'prlimit', '--pid', pid, `--nofile=${before}:`);
  },
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => dropStranger(stage, STRANGER),
};

/** Programs that the daemon starts for rules. */
const TOOLS = ['nft', 'iptables', 'iptables-restore', 'iptables-save', 'iptables-nft-save', 'iptables-legacy-save'];

async function shadow(dir: string, script: string): Promise<void> {
  for (const tool of TOOLS) {
    await writeFile(join(dir, tool), script);
    await chmod(join(dir, tool), 0o755);
  }
}

/** The victim, started so that it takes these programs for the tools, and renews a lease of 12 s. */
async function startWith(stage: Stage, dir: string): Promise<void> {
  const { kill, run } = stage;
  await mkdir(dir, { recursive: true });
  await kill(VICTIM, 'SIGTERM');
  const path = (await run(VICTIM, 'printenv', 'PATH')).trim();
  await run(VICTIM, 'env', `PATH=${dir}:${path}`, 'tsflannel', 'up', '--detach', '--lease-ttl', '12s');
}

const createdAt = async (stage: Stage): Promise<string | undefined> =>
  /"CreateRevision" : (\d+)/.exec(
    await stage.etcdctl('get', keyOf(await subnetNow(stage, VICTIM)), '-w', 'fields'),
  )?.[1];

const badTools = (name: string, what: string, scripts: readonly string[], healMs: number): Fault => ({
  row: 29,
  name,
  about: `nft and iptables ${what}; rules are flushed meanwhile, and a lease of 12 s is renewed all the time`,
  budget: () => ({ gapMs: 25_000 + healMs, healMs }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { pause, node, expect } = stage;
    const dir = join(node(VICTIM).dir, 'tools');
    await startWith(stage, dir);
    const created = await createdAt(stage);
    await shadow(dir, scripts[0] ?? '');
    await flushRules(stage, VICTIM);
    for (const script of scripts) {
      await shadow(dir, script);
      await pause(SQUEEZE_MS);
    }
    await rm(dir, { recursive: true });
    expect(created !== undefined && created === (await createdAt(stage)), 'the lease was lost and claimed anew');
  },
  undo: (stage) => restartDaemon(stage, VICTIM, '--lease-ttl', '24h'),
});

const SLEEP = '#!/bin/sh\nexec sleep 5\n';
const FAIL = '#!/bin/sh\nexit 1\n';
/** It says that all is well, and has done nothing. */
const LIE = '#!/bin/sh\nexit 0\n';
const HANG = '#!/bin/sh\nexec sleep 600\n';

const TOOL_FAULTS: readonly Fault[] = [
  badTools('tools-hang', 'take 5 s for 5 s, then fail for 5 s', [SLEEP, FAIL], 8_000),
  // Who lies is believed until the next look at everything, which is every half minute.
  badTools('tools-lie', 'do nothing for 5 s and say that they have', [LIE], 35_000),
  // One that hangs is given 15 s, which is as long as iptables may wait for its lock, and some.
  badTools('tools-hang-for-ever', 'hang and never end, for 15 s', [HANG, HANG, HANG], 20_000),
];

/** The stranger goes, and the victim is started again outside of the group, which goes too. */
async function leaveGroup(stage: Stage, controller: Controller): Promise<void> {
  await dropStranger(stage, STRANGER);
  await stage.kill(VICTIM, 'SIGTERM');
  await removeGroup(controller, stage.lab.spec.name);
  await stage.start(VICTIM);
}

const processesGone: Fault = {
  row: 29,
  name: 'no-processes',
  about: 'the daemon may start no process and no thread for 5 s, rules are flushed and etcd changes meanwhile',
  budget: () => ({ gapMs: SQUEEZE_MS + 7_000, healMs: 7_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const group = await makeGroup('pids', stage.lab.spec.name, { 'pids.max': '1' });
    await group.take(stage.subject.pid(stage.node(VICTIM)) as number);
    await flushRules(stage, VICTIM);
    await putStranger(stage, STRANGER);
    await stage.pause(SQUEEZE_MS);
    await group.set('pids.max', 'max');
  },
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => leaveGroup(stage, 'pids'),
};

/** Besides what Node has read of its own program before it gets here, all of the daemon counts. */
const joining = (procs: string): string =>
  `if (process.env.TSFLANNEL_DETACHED) (await import('node:fs')).writeFileSync(${JSON.stringify(procs)}, String(process.pid));\n`;

const LIMIT_MB = 96;

const memory: Fault = {
  row: 29,
  name: 'memory-limited',
  about: `the daemon may have ${LIMIT_MB} MB, page cache and all: device and rules go, etcd changes; it lives and mends`,
  budget: (backend) => ({ gapMs: backend === 'host-gw' ? 7_000 : 5_000, healMs: 5_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { node, kill, run, note, expect, subject } = stage;
    const group = await makeGroup('memory', stage.lab.spec.name, { [limitOf('memory')]: String(LIMIT_MB << 20) });
    const file = join(node(VICTIM).dir, 'limit.mjs');
    await writeFile(file, joining(group.procs));
    await kill(VICTIM, 'SIGTERM');
    await run(VICTIM, 'env', `NODE_OPTIONS=--import=${file}`, 'tsflannel', 'up', '--detach');
    const pid = subject.pid(node(VICTIM));
    await flushRules(stage, VICTIM);
    if (stage.backend !== 'host-gw') await run(VICTIM, 'ip', 'link', 'del', DEVICES[stage.backend]);
    await putStranger(stage, STRANGER);
    await stage.pause(SQUEEZE_MS);
    expect(pid !== undefined && subject.pid(node(VICTIM)) === pid, 'the daemon was ended');
    note(`at most ${Math.round((await group.most()) / 2 ** 20)} MB`);
  },
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => leaveGroup(stage, 'memory'),
};

export const SQUEEZE_FAULTS: readonly Fault[] = [slow, noFiles, processesGone, memory, ...TOOL_FAULTS];
