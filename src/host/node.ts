/**
 * host/ makes the real parts from flags, environment and files: the etcd client, the kernel, the forwarder, the interface. Commands and
 * the lab load it lazily, since it pulls in what is heavy. It decides nothing about leases or the wanted state.
 */
import { hostname } from 'node:os';
import type { Host } from '../backend/backend.ts';
import type { DaemonParts } from '../daemon/node.ts';
import { TsflannelError } from '../errors.ts';
import type { Thread } from '../forwarder/thread.ts';
import type { Ip } from '../model/address.ts';
import { isSpecialIp4, parseIp4 } from '../model/address.ts';
import { CARRIER_WISHES, type CarrierWish } from '../model/backend-config.ts';
import { systemClock } from '../model/clock.ts';
import { NODE_NAME } from '../model/lease.ts';
import { openStore } from '../store/store.ts';
import type { Connection } from './connection.ts';
import { chooseInterface, type InterfaceWish, sameInterface, type Underlay } from './interface.ts';
import { openKv } from './kv.ts';
import { gatherHost, observeInterfaces } from './scene.ts';

/** How to find the underlay interface and our address on it. */
export interface NodeWish {
  readonly interface: InterfaceWish;
  readonly publicIp?: Ip;
  readonly nodeName?: string;
  readonly ipMasq: boolean;
  readonly randomFully?: boolean;
  readonly forwardRules?: boolean;
  readonly vtep?: Host['vtep'];
  /** --udp-carrier: goes before the config's. */
  readonly udpCarrier?: CarrierWish;
  readonly subnetFile: string;
  /** Asks a person which of several interfaces is meant; absent where nobody can be asked. */
  readonly choose?: (candidates: readonly Underlay[]) => Promise<Underlay>;
}

/** An IPv4 address from a flag. Throws USAGE. */
export function flagIp(flag: string, text: string | undefined): Ip | undefined {
  if (text === undefined || text === '') return undefined;
  const ip = parseIp4(text);
  if (!ip || isSpecialIp4(ip))
    throw new TsflannelError('USAGE', {
      detail: `--${flag} ${text}: an IPv4 address that a host can have is expected`,
    });
  return ip;
}

/** Values of a flag that may be given several times; oclif hands over the bare text where it comes from the environment. */
export const flagList = (given: readonly string[] | string | undefined): readonly string[] =>
  [given ?? []].flat().filter((text) => text !== '');

/** The carrier that --udp-carrier names. Throws USAGE. */
export function carrierWish(flags: { readonly 'udp-carrier'?: string | undefined }): Pick<NodeWish, 'udpCarrier'> {
  const text = flags['udp-carrier'];
  if (text === undefined) return {};
  const udpCarrier = CARRIER_WISHES.find((wish) => wish === text);
  if (!udpCarrier) throw new TsflannelError('USAGE', { detail: `--udp-carrier ${text}: ${CARRIER_WISHES.join(', ')}` });
  return { udpCarrier };
}

/** The name to publish: the one given (USAGE when it is none), else the host's where it may be published. */
function publishedName(given: string | undefined): string {
  if (given !== undefined && !NODE_NAME.test(given)) {
    throw new TsflannelError('USAGE', { detail: `--node-name ${given}: letters, digits, dots and dashes, at most 63` });
  }
  const name = given ?? hostname();
  return NODE_NAME.test(name) ? name : 'node';
}

/** The store of this connection, through the client that TSFLANNEL_ETCD_CLIENT names. */
export const openStoreAt = async ({ kv, prefix }: Connection) =>
  openStore(await openKv(kv, process.env.TSFLANNEL_ETCD_CLIENT), prefix);

/** The kernel for commands that run beside a daemon or without one: of carriers it sees what goes on by itself, and can end it. */
export async function plainKernel() {
  const [{ linuxKernel }, { leftCarriers }] = await Promise.all([
    import('../kernel/linux/linux.ts'),
    import('../forwarder/ebpf/left.ts'),
  ]);
  return linuxKernel({ forwarder: leftCarriers() });
}

export async function underlay(kernel: DaemonParts['kernel'], wish: NodeWish, before?: Underlay): Promise<Underlay> {
  const state = await observeInterfaces(kernel);
  if (before) return sameInterface(state, before);
  const choice = chooseInterface(state, wish.interface);
  if ('found' in choice) return choice.found;
  if (wish.choose) return wish.choose(choice.ambiguous);
  const names = choice.ambiguous.map(({ name }) => name).join(', ');
  throw new TsflannelError('IFACE_AMBIGUOUS', { detail: names });
}

/** The host's part of a scene, for a daemon or for `plan` without one. */
export const makeHost = async (kernel: DaemonParts['kernel'], wish: NodeWish, nodeId: string, before?: Underlay) =>
  gatherHost(kernel, await underlay(kernel, wish, before), { ...wish, nodeId });

/** This host's kernel, and what carries the packets of backend udp, in threads that `thread` starts. */
export async function forwardingKernel(thread?: () => Thread) {
  const [{ linuxKernel }, { chosenForwarder, realCarriers }] = await Promise.all([
    import('../kernel/linux/linux.ts'),
    import('../forwarder/ebpf/choice.ts'),
  ]);
  const forwarder = chosenForwarder(realCarriers(thread));
  return { forwarder, kernel: linuxKernel({ forwarder }) };
}

export type ForwardingKernel = Awaited<ReturnType<typeof forwardingKernel>>;

/** Everything a daemon runs on. */
export async function buildParts(
  { connection, wish, log }: { connection: Connection; wish: NodeWish; log: DaemonParts['log'] },
  { forwarder, kernel }: ForwardingKernel,
): Promise<DaemonParts> {
  const [store, { systemdOf }, { openEchoSocket }] = await Promise.all([
    openStoreAt(connection),
    import('../sys/notify.ts'),
    import('../sys/echo-socket.ts'),
  ]);
  const systemd = systemdOf(process.env, process.pid);
  return {
    store,
    kernel,
    clock: systemClock,
    random: Math.random,
    nodeName: publishedName(wish.nodeName),
    makeHost: (nodeId, before) => makeHost(kernel, wish, nodeId, before?.iface),
    counters: () => forwarder.counters(),
    carrier: () => forwarder.report(),
    openEcho: (how) => openEchoSocket(how),
    ...(systemd && { systemd }),
    log,
  };
}
