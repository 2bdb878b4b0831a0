/** The control plane in figures: each measurement interleaves its subjects, so that a slow minute of the machine hits all of them. */
import { summary, table } from '../stats.ts';
import { type Subject, subjects } from './ground.ts';
import { type Many, measureMany } from './many.ts';
import { measurePeer } from './peer.ts';
import { measureStart } from './start.ts';

const BACKENDS = ['udp', 'vxlan', 'host-gw'] as const;
const LEASES = 5_000;
const PEERS = 20;

const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** `runs` results of each subject, in turn. */
async function interleave<T>(
  what: string,
  runs: number,
  measure: (subject: Subject) => Promise<T>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const results = new Map<string, T[]>(subjects().map(({ name }) => [name, []]));
  for (let run = 1; run <= runs; run++) {
    for (const subject of subjects()) {
      const result = await measure(subject);
      results.get(subject.name)?.push(result);
      note(`${what} ${run}/${runs} ${subject.name}: ${JSON.stringify(result)}`);
    }
  }
  return results;
}

async function start(runs: number): Promise<string> {
  const results = await interleave('start', runs, measureStart);
  const rows = [...results].map(([name, times]) => [name, summary(times)]);
  return `Start to subnet.env, empty cluster (ms)\n\n${table(['', 'ms'], rows)}`;
}

async function peer(runs: number): Promise<string> {
  const rows: string[][] = [];
  for (const backend of BACKENDS) {
    const results = await interleave(`peer ${backend}`, runs, (subject) => measurePeer(subject, backend, PEERS));
    for (const [name, times] of results) rows.push([backend, name, summary(times.flat())]);
  }
  return `A peer's key to its route (ms)\n\n${table(['', '', 'ms'], rows)}`;
}

const column = (results: readonly Many[], name: keyof Many): string => summary(results.map((one) => one[name]));

async function many(runs: number): Promise<string> {
  const rows: string[][] = [];
  for (const backend of BACKENDS) {
    const results = await interleave(`many ${backend}`, runs, (subject) => measureMany(subject, backend, LEASES));
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

const MEASUREMENTS: Readonly<Record<string, (runs: number) => Promise<string>>> = { start, peer, many };

/** Measures and prints; `only` names some of the measurements, none means all. */
export async function control(runs: number, only: readonly string[]): Promise<void> {
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    console.log(`\n${await measure(runs)}`);
  }
}
