import { askIfUp } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { makeFolders } from '../files/folders.ts';
import { readGateway, writeGateway } from '../files/gateway-file.ts';
import { readNodeState } from '../files/node-state.ts';
import { printIp, printPrefix } from '../model/address.ts';
import type { GatewayMode, Lease } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { networkIn } from '../store/network.ts';
import { createView } from '../store/view.ts';
import { resolveConnection } from './connection.ts';
import { openStoreAt } from './node.ts';

/** Flags of the gateway commands. */
export interface GatewayFlags extends EtcdFlags {
  readonly 'state-dir': string;
  readonly 'run-dir': string;
}

/** A node that lets hosts from outside in, as its lease says. */
export interface GatewayRow {
  readonly node: string;
  readonly address: string;
  readonly mode: GatewayMode;
}

export interface GatewayReport {
  /** What this node is told to be; `undefined`: no gateway. */
  readonly mode: GatewayMode | undefined;
  readonly network: string;
  readonly gateways: readonly GatewayRow[];
  /** Commands for hosts outside. */
  readonly outside: readonly string[];
}

interface Cluster {
  readonly network: NetworkConfig;
  readonly leases: readonly Lease[];
}

async function readCluster(flags: EtcdFlags): Promise<Cluster> {
  const store = await openStoreAt(await resolveConnection(flags));
  try {
    const { kvs } = await store.snapshot();
    const network = networkIn(kvs, store.prefix);
    const view = createView(store.prefix, network);
    view.reset(kvs);
    return { network, leases: [...view.leases().values()] };
  } finally {
    store.close();
  }
}

const rowsOf = (leases: readonly Lease[]): GatewayRow[] =>
  leases.flatMap(({ nodeName, publicIp, gateway }) =>
    gateway === undefined ? [] : [{ node: nodeName ?? '-', address: printIp(publicIp), mode: gateway }],
  );

const routeVia = (network: string, address: string): string => `ip route add ${network} via ${address}`;

/** What this node is told to be, which nodes are gateways, and what hosts outside need. */
export async function gatewayReport(flags: GatewayFlags): Promise<GatewayReport> {
  const { network, leases } = await readCluster(flags);
  const gateways = rowsOf(leases);
  const text = printPrefix(network.network);
  return {
    mode: await readGateway(flags['state-dir']),
    network: text,
    gateways,
    outside: gateways.map(({ address }) => routeVia(text, address)),
  };
}

/** Throws GATEWAY_SOURCE_CHECK where peers would drop what a routed gateway sends them. */
function checkMode(mode: GatewayMode | undefined, { backend }: NetworkConfig): void {
  if (mode === 'routed' && backend.sourceCheck !== 'off')
    throw new TsflannelError('GATEWAY_SOURCE_CHECK', { check: backend.sourceCheck });
}

/** Makes this node a gateway, or none (`undefined`); a running daemon follows at once. Throws GATEWAY_SOURCE_CHECK. */
export async function setGateway(
  flags: GatewayFlags,
  mode: GatewayMode | undefined,
  dryRun: boolean,
): Promise<GatewayReport & { readonly changed: boolean; readonly daemon: boolean }> {
  const { network, leases } = await readCluster(flags);
  checkMode(mode, network);
  const stateDir = flags['state-dir'];
  const changed = (await readGateway(stateDir)) !== mode;
  if (!dryRun && changed) {
    await makeFolders([stateDir]);
    await writeGateway(stateDir, mode);
  }
  const rung = dryRun ? undefined : await askIfUp(flags['run-dir'], 'ring');
  const { nodeId } = await readNodeState(stateDir);
  const own = leases.find((lease) => lease.nodeId === nodeId);
  const others = rowsOf(leases.filter((lease) => lease !== own));
  const text = printPrefix(network.network);
  const address = own && printIp(own.publicIp);
  return {
    ...{ mode, network: text, changed, daemon: rung !== undefined },
    gateways: [...others, ...(own && address && mode ? [{ node: own.nodeName ?? '-', address, mode }] : [])],
    outside: mode && address ? [routeVia(text, address)] : [],
  };
}
