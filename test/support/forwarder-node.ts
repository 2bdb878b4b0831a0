/**
 * One carrier in a process of its own, so that a test can put it into a namespace and kill it. Started with a carrier and its forwards as
 * JSON; answers each line on stdin (`counters`, `running`, `report`, `forwards JSON`, `stop`, `start JSON`) by one line of JSON.
 */
import { createInterface } from 'node:readline';
import type { Manner } from '../../src/forwarder/ebpf/attach.ts';
import { chosenForwarder } from '../../src/forwarder/ebpf/choice.ts';
import { ebpfForwarder } from '../../src/forwarder/ebpf/ebpf.ts';
import type { Forwarder } from '../../src/forwarder/forwarder.ts';
import { ALL_OFFLOADS, type Offloads } from '../../src/forwarder/job.ts';
import { tunForwarder } from '../../src/forwarder/tun.ts';
import type { Carrier, Forward } from '../../src/kernel/state.ts';
import { parseIp, parsePrefix } from '../../src/model/address.ts';
import type { CarrierType, SourceCheck } from '../../src/model/backend-config.ts';

/** What the JSON on the command line looks like: addresses as text. */
export interface NodeSpec {
  readonly device: string;
  readonly local: string;
  readonly port: number;
  readonly mtu: number;
  readonly network: string;
  readonly subnet: string;
  readonly forwards: readonly (readonly [subnet: string, nextHop: string])[];
  /** Offloads to do without, as on an older kernel. */
  readonly without?: readonly (keyof Offloads)[];
  /** `strict` by default. */
  readonly sourceCheck?: SourceCheck;
  readonly directDelivery?: boolean;
  /** Which carrier; `auto` by default. */
  readonly type?: CarrierType;
  /** How programs may be held. */
  readonly manners?: readonly Manner[];
  /** Begin with the table that a former process has left. */
  readonly adopt?: boolean;
}

const carrierOf = (spec: NodeSpec): Carrier => ({
  kind: 'carrier',
  ...(spec.type && { type: spec.type }),
  device: spec.device,
  local: parseIp(spec.local)!,
  port: spec.port,
  mtu: spec.mtu,
  network: parsePrefix(spec.network)!,
  subnet: parsePrefix(spec.subnet)!,
  sourceCheck: spec.sourceCheck ?? 'strict',
  directDelivery: spec.directDelivery ?? false,
});

const forwardsOf = (spec: NodeSpec): Forward[] =>
  spec.forwards.map(([subnet, nextHop]) => ({
    kind: 'forward',
    device: spec.device,
    subnet: parsePrefix(subnet)!,
    nextHop: parseIp(nextHop)!,
    port: spec.port,
  }));

const print = (value: unknown): void => {
  const json = JSON.stringify(value ?? null, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one));
  process.stdout.write(`${json}\n`);
};

async function answer(forwarder: Forwarder, line: string): Promise<unknown> {
  const [verb, ...rest] = line.split(' ');
  const spec = rest.length > 0 ? (JSON.parse(rest.join(' ')) as NodeSpec) : undefined;
  if (verb === 'counters') return forwarder.counters();
  if (verb === 'running') return forwarder.running();
  if (verb === 'report') return forwarder.report();
  if (verb === 'forwards') return forwarder.setForwards(forwardsOf(spec!));
  if (verb === 'start') return forwarder.start(carrierOf(spec!));
  if (verb === 'stop') return forwarder.stop();
  if (verb === 'usage') return { cpu: process.cpuUsage(), rss: process.memoryUsage().rss };
  throw new Error(`unknown line ${line}`);
}

/** The carriers as the daemon has them, with what this spec takes away from them. */
function forwarderOf({ without = [], manners }: NodeSpec): Forwarder {
  const missing = Object.fromEntries(without.map((name) => [name, false]));
  const tun = (wanted: Offloads) => tunForwarder({ ...wanted, ...missing });
  return chosenForwarder({
    tun: () => tun(ALL_OFFLOADS),
    ebpf: () => ebpfForwarder({ slowPath: tun({ ...ALL_OFFLOADS, gro: false }), ...(manners && { manners }) }),
  });
}

async function main(): Promise<void> {
  const spec = JSON.parse(process.argv[2]!) as NodeSpec;
  const forwarder = forwarderOf(spec);
  if (!spec.adopt) forwarder.setForwards(forwardsOf(spec));
  const begun = performance.now();
  await forwarder.start(carrierOf(spec));
  print({ ready: true, ms: performance.now() - begun });
  for await (const line of createInterface({ input: process.stdin })) {
    print(
      await answer(forwarder, line).catch((error: Error & { why?: string }) => ({
        error: error.message,
        why: error.why,
      })),
    );
  }
  await forwarder.stop();
}

await main();
