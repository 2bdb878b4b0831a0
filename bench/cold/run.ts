import { cpus, loadavg } from 'node:os';
import { startEtcd } from '../../test/support/etcd.ts';
import { writeBetween } from '../page.ts';
import { coldTable, measureStarts, startsAt } from './cold.ts';

/** Measures and prints; with a file puts the result between its marks too. */
export async function cold(runs: number, write: string): Promise<void> {
  const load = loadavg()[0]?.toFixed(1);
  const etcd = await startEtcd();
  try {
    const costs = measureStarts(startsAt(etcd.endpoint), runs);
    const where = `${new Date().toISOString().slice(0, 10)}; Node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model.trim()}), load before: ${load}; least of ${runs} runs.`;
    const text = `${where}\n\n${coldTable(costs)}`;
    console.log(text);
    if (write !== '') writeBetween(write, 'cold', text);
  } finally {
    await etcd.close();
  }
}
