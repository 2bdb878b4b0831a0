import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { TsflannelError } from '../errors.ts';
import { type BridgeNet, bridgesIn, freeAddress, plugIn, unplug } from '../kernel/linux/stand-in.ts';
import { type Prefix, printIp } from '../model/address.ts';
import { entryFile } from '../root.ts';
import type { Abilities, Said } from './stand-in-entry.ts';
import { withEcho } from './way.ts';

/** Stands in for a container of this node until it is closed; what it is asked is done in its namespace. */
export interface StandIn {
  readonly bridge: BridgeNet;
  readonly address: string;
  /** One question at a time. */
  ask<N extends keyof Abilities>(name: N, wish: Parameters<Abilities[N]>[0]): ReturnType<Abilities[N]>;
  close(): Promise<void>;
}

const refused = (why: string): TsflannelError =>
  new TsflannelError('KERNEL_REFUSED', { detail: 'standing in for a container', why });

/** The next thing the thread says. */
async function heard(worker: Worker): Promise<Exclude<Said, { error: string }>> {
  const [said] = (await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(() => [{ error: 'the thread ended' }]),
  ])) as [Said];
  if ('error' in said) throw refused(said.error);
  return said;
}

/** An address of the bridge's network that nobody has now. Throws KERNEL_REFUSED. */
async function addressBehind(bridge: BridgeNet) {
  const free = await withEcho({}, (port) =>
    freeAddress(bridge, (ip) => void port.send(Number(ip.value), new Uint8Array(8))),
  );
  if (!free) throw refused(`no address of ${bridge.name} is free`);
  return free;
}

/** How long a bridge may take to come up with its first port. */
const UP_MS = 10_000;

async function reachesBridge({ ask, bridge }: StandIn): Promise<void> {
  for (const end = performance.now() + UP_MS; performance.now() < end; ) {
    if ((await ask('pings', Number(bridge.ip.value))).received > 0) return;
  }
  throw refused(`${bridge.name} does not answer its own port`);
}

/** Plugged into the first bridge of this node that has an address in the subnet; `undefined`: there is none. Throws NOT_ROOT, KERNEL_REFUSED. */
export async function startStandIn(subnet: Prefix): Promise<StandIn | undefined> {
  const [bridge] = await bridgesIn(subnet);
  if (!bridge) return undefined;
  const ip = await addressBehind(bridge);
  const worker = new Worker(entryFile('host/stand-in-entry'), { name: 'stand-in' });
  const device = `tsfl-${process.pid}`;
  const standIn: StandIn = {
    bridge,
    address: printIp(ip),
    ask(name, wish) {
      worker.postMessage({ name, wish });
      return heard(worker).then((said) => 'value' in said && said.value) as ReturnType<Abilities[typeof name]>;
    },
    async close() {
      await unplug(device);
      await worker.terminate();
    },
  };
  try {
    const first = await heard(worker);
    await plugIn(bridge, 'thread' in first ? first.thread : 0, device, ip);
    await reachesBridge(standIn);
    return standIn;
  } catch (error) {
    await standIn.close();
    throw error;
  }
}
