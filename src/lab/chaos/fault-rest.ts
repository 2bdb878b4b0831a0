import { readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { flushRules } from './canaries.ts';
import type { Fault } from './chaos.ts';
import {
  costOf,
  dropStranger,
  keyOf,
  knows,
  noLoss,
  putStranger,
  restartDaemon,
  STRANGER,
  type Stranger,
  VICTIM,
} from './parts.ts';
import type { Stage } from './stage.ts';

/** What a daemon costs, and which programs it starts: invariants I9 and I10. */

/** All that a daemon may start, whatever it reads. */
const PROGRAMS = /^(ip|bridge|nft|ethtool|modprobe|ip6?tables(-nft|-legacy)?(-save|-restore)?)$/;
/** What only a shell would take for more than text; nothing of ours has any. */
const SUSPICIOUS = /[`$]|&&|\|\|/;

/** Writes down what is started, one JSON list a line. */
const spy = (log: string): string => `import { ChildProcess } from 'node:child_process';
import { appendFileSync } from 'node:fs';
const spawn = ChildProcess.prototype.spawn;
ChildProcess.prototype.spawn = function (options) {
  if (process.env.TSFLANNEL_DETACHED) appendFileSync(${JSON.stringify(log)}, JSON.stringify(options.args) + '\\n');
  return spawn.call(this, options);
};
`;

const logOf = ({ node }: Stage): string => join(node(VICTIM).dir, 'spawned.log');

const startedBy = async (stage: Stage): Promise<string[][]> =>
  (await readFile(logOf(stage), 'utf8').catch(() => ''))
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as string[]]));

/** Requests that a member of etcd has answered. */
async function answeredBy({ run, node }: Stage, number: number): Promise<number> {
  const ask = `fetch('http://${node(number).ip}:2379/metrics').then((r) => r.text()).then((t) => console.log(t))`;
  const text = await run(VICTIM, process.execPath, '-e', ask);
  const counts = [...text.matchAll(/^grpc_server_handled_total\{.*grpc_type="unary".*\} (\S+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const answered = async (stage: Stage): Promise<number> =>
  (await Promise.all([1, 2, 3].map((number) => answeredBy(stage, number)))).reduce((sum, one) => sum + one, 0);

async function costs(stage: Stage) {
  const pid = stage.subject.pid(stage.node(VICTIM));
  return {
    ...costOf(pid),
    fds: readdirSync(`/proc/${pid}/fd`).length,
    started: (await startedBy(stage)).length,
    requests: await answered(stage),
  };
}

async function measure(stage: Stage): Promise<void> {
  const { pause, outage, note, lab, expect } = stage;
  const ms = outage({ short: 5_000, usual: 60_000 });
  const before = await costs(stage);
  await pause(ms);
  const after = await costs(stage);
  const seconds = ms / 1000;
  const requests = (after.requests - before.requests) / seconds / lab.nodes.length;
  const started = after.started - before.started;
  note(`CPU ${((100 * (after.cpu - before.cpu)) / ms).toFixed(1)} % of a core`);
  note(`RSS ${Math.round(after.rss / 1024)} MB, ${((after.rss - before.rss) / 1024).toFixed(1)} MB more`);
  note(`${after.fds} files open, ${after.fds - before.fds} more`);
  note(`${requests.toFixed(2)} requests/s a node, ${started} programs started in ${seconds} s`);
  expect(requests < 2, `${requests} requests a second while nothing happens`);
  expect(started / seconds < 2, `${started} programs started while nothing happens`);
}

const HOSTILE: Stranger = { subnet: '10.97.253.0/24', publicIp: '$(touch canary); 1.2.3.4' };

/** The daemon starts anew with the spy in it, which must have seen something by then. */
async function letSpy(stage: Stage): Promise<void> {
  const { node, kill, run, expect } = stage;
  const file = join(node(VICTIM).dir, 'spy.mjs');
  await writeFile(file, spy(logOf(stage)));
  await kill(VICTIM, 'SIGTERM');
  await run(VICTIM, 'env', `NODE_OPTIONS=--import=${file}`, 'tsflannel', 'up', '--detach');
  expect((await startedBy(stage)).length > 0, 'it has started nothing: the spy is asleep');
}

async function endSpying(stage: Stage): Promise<void> {
  await restartDaemon(stage, VICTIM);
  await rm(logOf(stage));
}

const atRest: Fault = {
  row: 31,
  name: 'at-rest',
  about: 'nothing is done for 60 s (short: 5 s, long: 10 minutes): what a daemon costs',
  budget: (backend) => ({ gapMs: noLoss(backend) * 2, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    await letSpy(stage);
    await measure(stage);
  },
  undo: endSpying,
};

const programsWatched: Fault = {
  row: 31,
  name: 'programs-watched',
  about: 'rules are flushed, a peer comes and a hostile one: which programs the daemon starts',
  // As long as rules that are flushed may cost in row 16.
  budget: (backend) => ({ gapMs: 1_000 + noLoss(backend) * 2, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { expect, note } = stage;
    await letSpy(stage);
    await flushRules(stage, VICTIM);
    await putStranger(stage, HOSTILE);
    await putStranger(stage, STRANGER);
    await stage.until('the stranger is known', () => knows(stage, VICTIM, STRANGER));
    const started = await startedBy(stage);
    const strange = started.filter(
      ([program = '', ...args]) => !PROGRAMS.test(basename(program)) || args.some((arg) => SUSPICIOUS.test(arg)),
    );
    expect(strange.length === 0, `it started ${JSON.stringify(strange[0])}`);
    note(`started only ${[...new Set(started.map(([program = '']) => basename(program)))].join(', ')}`);
  },
  async undo(stage) {
    await dropStranger(stage, STRANGER);
    await stage.etcdctl('del', keyOf(HOSTILE.subnet));
    await endSpying(stage);
  },
};

export const REST_FAULTS: readonly Fault[] = [atRest, programsWatched];
