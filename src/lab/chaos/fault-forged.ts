import { fileURLToPath } from 'node:url';
import { entryFile } from '../../root.ts';
import { subnetOf } from '../status.ts';
import type { Fault } from './chaos.ts';
import { forgeries, type Named } from './forged.ts';
import { VICTIM } from './parts.ts';
import type { Stage } from './stage.ts';
import { DEVICES } from './ways.ts';

/** Row 20: packets that nobody may send. */

const PORTS = { vxlan: 8472, udp: 8285 } as const;
const LONG_MS = 10_000;
const SHORT_MS = 3_000;
/** Datagrams a second, if the machine can make so many. In short fewer, so that it is not the processors that are tried. */
const MANY = 100_000;
const FEWER = 10_000;

/** The container of a node and its node's VTEP. */
async function namedOf(stage: Stage, number: number): Promise<Named> {
  const subnet = (await subnetOf(stage.node(number))) ?? '';
  const text = await stage.run(number, 'ip', '-j', 'link', 'show', DEVICES[stage.backend]);
  const [link] = JSON.parse(text) as { address?: string }[];
  return { id: number, ip: subnet.replace(/\d+\/\d+$/, '2'), mac: (link?.address ?? '').replaceAll(':', '') };
}

const flooded: Fault = {
  row: 20,
  name: 'forged-flood',
  about:
    'a host of the underlay that is no node throws forged and broken tunnel packets at a node: 100,000 a second for 10 s (short: 10,000 for 3 s)',
  backends: ['vxlan', 'udp'],
  budget: () => ({ gapMs: 1_000, healMs: 1_000, lostShare: 0.01 }),
  async run(stage) {
    const { backend, short, note, onUnderlay } = stage;
    if (backend === 'host-gw') return;
    const [third, peer, victim] = await Promise.all([namedOf(stage, 2), namedOf(stage, 3), namedOf(stage, VICTIM)]);
    const payloads = forgeries(backend, victim, peer, third).map((payload) => payload.toString('hex'));
    const [rate, ms] = short ? [FEWER, SHORT_MS] : [MANY, LONG_MS];
    const at = [stage.node(VICTIM).ip, PORTS[backend], rate, ms].map(String);
    const sent = await onUnderlay(
      process.execPath,
      fileURLToPath(entryFile('lab/chaos/flood-entry')),
      ...at,
      ...payloads,
    );
    note(`${sent} forged packets`);
  },
};

export const FORGED_FAULTS: readonly Fault[] = [flooded];
