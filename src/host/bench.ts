import { askIfRunning } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { containsIp, type Ip, type Prefix, parseIp, parsePrefix, printIp } from '../model/address.ts';
import type { BenchReport } from '../model/figures.ts';
import type { NodeFacts } from '../model/report.ts';
import { measure } from '../probe/client.ts';
import { createCode } from '../probe/code.ts';
import type { Path, Plan } from '../probe/probe.ts';
import { type Served, serve } from '../probe/server.ts';
import { plainKernel } from './node.ts';
import { observeInterfaces } from './scene.ts';

/** What both sides take. */
interface Common {
  readonly runDir: string;
  readonly port: number;
}

export interface BenchServerOptions extends Common {
  /** Instead of this node's overlay address. */
  readonly listen: Ip | undefined;
  /** The underlay may be measured too. */
  readonly underlay: boolean;
  /** A new one is made where none is given. */
  readonly code: string | undefined;
  readonly waitSeconds: number;
  /** Told where the client has to go. */
  readonly listening: (invitation: Invitation) => void;
}

export interface Invitation {
  readonly address: string;
  readonly code: string;
}

export interface BenchClientOptions extends Common {
  readonly peer: string;
  readonly code: string;
  readonly plan: Plan;
  readonly progress: (what: string) => void;
}

const PATIENCE_MS = 5000;

const numberOf = (ip: Ip): number => Number(ip.value);

/** This node's own IPv4 addresses, those of devices that are down too. */
async function ownAddresses(): Promise<readonly Ip[]> {
  const kernel = await plainKernel();
  try {
    const seen = [...(await observeInterfaces(kernel)).values()].map(({ object }) => object);
    return seen.flatMap((object) => (object.kind === 'address' && object.ip.family === 4 ? [object.ip] : []));
  } finally {
    await kernel.close();
  }
}

/** The lowest of this node's addresses in its subnet: that of the tunnel's device where it has one, else the bridge's. */
async function overlayAddress({ subnet }: NodeFacts): Promise<Ip | undefined> {
  const prefix = parsePrefix(subnet) as Prefix;
  const inside = (await ownAddresses()).filter((ip) => containsIp(prefix, ip));
  return inside.sort((a, b) => Number(a.value - b.value))[0];
}

async function mustFacts(runDir: string): Promise<NodeFacts> {
  const facts = await askIfRunning(runDir, 'status');
  if (facts) return facts;
  throw new TsflannelError('DAEMON_NOT_RUNNING', { socket: runDir, detail: 'it knows the address to listen on' });
}

async function servedPaths({ runDir, listen, underlay }: BenchServerOptions): Promise<readonly Path[]> {
  const given: Path[] = listen ? [{ name: 'given', ip: numberOf(listen) }] : [];
  if (listen && !underlay) return given;
  const facts = await mustFacts(runDir);
  const { subnet, backend, publicIp } = facts;
  const overlay = listen ? undefined : await overlayAddress(facts);
  if (!overlay && !listen) throw new TsflannelError('BENCH_NO_ADDRESS', { subnet, backend });
  const outer = underlay ? parseIp(publicIp) : undefined;
  return [
    ...given,
    ...(overlay ? [{ name: 'overlay', ip: numberOf(overlay) }] : []),
    ...(outer ? [{ name: 'underlay', ip: numberOf(outer) }] : []),
  ];
}

const dotted = (ip: number): string => printIp({ family: 4, value: BigInt(ip) });

/** Lets one client that knows the code measure the way to this node. */
export async function serveBench(options: BenchServerOptions): Promise<Served> {
  const paths = await servedPaths(options);
  const listen = paths.map(({ ip }) => dotted(ip));
  const { code = createCode(), port, waitSeconds } = options;
  const listening = () => options.listening({ address: listen[0] ?? '', code });
  return serve({ paths, listen, port, code, waitSeconds, listening });
}

/** Measures the ways to the node whose server is at `peer`. */
export async function runBench(options: BenchClientOptions): Promise<BenchReport> {
  const facts = await askIfRunning(options.runDir, 'status');
  const overlay = facts && (await overlayAddress(facts));
  const sources = overlay ? { overlay: numberOf(overlay) } : {};
  return {
    ...(await measure({ ...options, sources, patienceMs: PATIENCE_MS })),
    ...(facts && { backend: facts.backend }),
  };
}
