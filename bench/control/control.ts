/** The control plane in figures: each measurement interleaves its subjects, so that a slow minute of the machine hits all of them. */
import type { BackendType } from '../probe/etcd.ts';
import { summary, table } from '../stats.ts';
import { type Subject, subjects } from './ground.ts';
import { measureIdle } from './idle.ts';
import { type Many, measureMany } from './many.ts';
import { measurePeer, type Reached } from './peer.ts';
import { measureRestarts } from './restart.ts';
import { measureStart } from './start.ts';

const BACKENDS = ['udp', 'vxlan', 'host-gw'] as const;
const LEASES = 5_000;
const PEERS = 20;
const RESTARTS = 10;

const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** What is measured of one backend: `runs` results of each subject, in turn. */
async function interleave<T>(
  what: string,
  runs: number,
  backend: BackendType,
  measure: (subject: Subject) => Promise<T>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const results = new Map<string, T[]>(subjects(backend).map(({ name }) => [name, []]));
  for (let run = 1; run <= runs; run++) {
    for (const subject of subjects(backend)) {
      const result = await measure(subject);
      results.get(subject.name)?.push(result);
      note(`${what} ${backend} ${run}/${runs} ${subject.name}: ${JSON.stringify(result)}`);
    }
  }
  return results;
}

async function start(runs: number): Promise<string> {
  const results = await interleave('start', runs, 'vxlan', measureStart);
  const rows = [...results].map(([name, times]) => [name, summary(times)]);
  return `Start to subnet.env, empty cluster (ms)\n\n${table(['', 'ms'], rows)}`;
}

async function peer(runs: number): Promise<string> {
  const rows: string[][] = [];
  for (const backend of BACKENDS) {
    const results = await interleave('peer', runs, backend, (subject) => measurePeer(subject, backend, PEERS));
    for (const [name, times] of results) {
      const all = times.flat();
      const column = (key: keyof Reached) => summary(all.map((one) => one[key]));
      rows.push([backend, name, column('reached'), column('answered')]);
    }
  }
  return `A peer's key to its route (ms)\n\n${table(['', '', 'reached', "etcd's answer"], rows)}`;
}

const column = (results: readonly Many[], name: keyof Many): string => summary(results.map((one) => one[name]));

async function many(runs: number): Promise<string> {
  const rows: string[][] = [];
  for (const backend of BACKENDS) {
    const results = await interleave('many', runs, backend, (subject) => measureMany(subject, backend, LEASES));
    for (const [name, each] of results)
      rows.push([
        backend,
        name,
        ...(['lease', 'all', 'cpu', 'rss', 'later', 'peak'] as const).map((key) => column(each, key)),
      ]);
  }
  const head = ['', '', 'own lease (ms)', 'all reached (ms)', 'CPU by then (ms)', 'RSS (MB)', '5 s later', 'highest'];
  return `${LEASES} leases at start\n\n${table(head, rows)}`;
}

async function idle(runs: number): Promise<string> {
  const rows: string[][] = [];
  for (const leases of [0, LEASES]) {
    const results = await interleave(`idle ${leases}`, runs, 'vxlan', (subject) => measureIdle(subject, leases));
    for (const [name, each] of results) rows.push([String(leases), name, summary(each)]);
  }
  return `CPU of an idle daemon, ms in 30 s\n\n${table(['leases', '', 'ms'], rows)}`;
}

async function restart(runs: number): Promise<string> {
  const rows: string[][] = [];
  for (const backend of BACKENDS)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const measure = (subject: Subject) => measureRestarts(subject, backend, signal, RESTARTS);
      const results = await interleave(`restart ${signal}`, runs, backend, measure);
      for (const [name, each] of results) {
        const lost = each.map((one) => one.lost);
        const [gaps, fromStart] = [each.flatMap((one) => one.gaps), each.flatMap((one) => one.fromStart)];
        rows.push([backend, signal, name, summary(lost), summary(gaps), summary(fromStart)]);
      }
    }
  const head = [
    '',
    '',
    '',
    `lost in ${RESTARTS} restarts`,
    'longest pause (ms)',
    "of it after the new process's start",
  ];
  return `A flow of 1,000 packets/s while daemons are restarted\n\n${table(head, rows)}`;
}

const MEASUREMENTS: Readonly<Record<string, (runs: number) => Promise<string>>> = { start, peer, many, idle, restart };

/** Measures and prints; `only` names some of the measurements, none means all. */
export async function control(runs: number, only: readonly string[]): Promise<void> {
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    console.log(`\n${await measure(runs)}`);
  }
}
