/** What carrier tun's daemons hold in memory while they move all that the machine can: it must not grow. */
import type { Plan } from '../../src/probe/probe.ts';
import { memoryOf } from '../control/ground.ts';
import { GROUNDS } from '../leftovers.ts';
import { table } from '../stats.ts';
import { measurePath, onScene } from './scene.ts';
import { udpBy } from './variants.ts';

const PARTS = 10;

/** One TCP stream at full speed, then small packets, for so long in all; prints MB at the end of each tenth. */
export async function memory(seconds: number): Promise<void> {
  const part = seconds / PARTS;
  const plan: Plan = {
    ...{ seconds: part / 2, tcp: [4], udp: [{ size: 64, rate: 100_000 }] },
    ...{ roundTrip: false, congestion: 'cubic' },
  };
  const { result } = await onScene(GROUNDS.memory, udpBy('tun'), 'wire', async ({ ends, daemons }) => {
    const rows: string[][] = [];
    let moved = 0;
    for (let i = 1; i <= PARTS; i++) {
      const { tcp, udp } = await measurePath(ends, plan);
      moved += ((tcp[0]?.bitsPerSecond ?? 0) * plan.seconds) / 8e9;
      const rss = daemons.map(({ pid }) => memoryOf(pid).rss.toFixed(0));
      rows.push([String(Math.round(i * part)), moved.toFixed(0), String(udp[0]?.sent ?? 0), ...rss]);
      process.stderr.write(`${rows.at(-1)?.join(' ')}\n`);
    }
    return rows;
  });
  console.log(table(['s', 'GB by TCP so far', 'packets of 64 B', 'sender (MB)', 'receiver (MB)'], result));
}
