import { bridgeOf } from '../docker/bridge.ts';
import type { DockerStatusRequest } from '../docker/status.ts';
import { type Finding, judgeAll } from '../doctor/doctor.ts';
import type { Evidence, Looked } from '../doctor/evidence.ts';
import { type EtcdLook, etcdEvidence } from '../doctor/gather/etcd.ts';
import { filterEvidence } from '../doctor/gather/filters.ts';
import { type HostAsk, hostEvidence } from '../doctor/gather/host.ts';
import { LIMIT_MS, look } from '../doctor/gather/looked.ts';
import { clientConfigPath, DEFAULT_PREFIX } from '../files/client-config.ts';
import { readNodeState } from '../files/node-state.ts';
import type { Kernel } from '../kernel/state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { DockerRow } from '../model/report.ts';
import { type Connection, resolveConnection } from './connection.ts';
import { daemonEvidence, inferWish, interfaceEvidence, networkEvidence, ownPlan } from './doctor-node.ts';
import { peersEvidence } from './doctor-peers.ts';
import { openKv } from './kv.ts';
import { type LookFlags, placeOptions } from './look-options.ts';
import { openMaintenance } from './maintenance.ts';
import { plainKernel } from './node.ts';
import { observeInterfaces } from './scene.ts';

/** The flags of a look, and which Docker. */
export interface DoctorFlags extends LookFlags {
  readonly 'docker-socket'?: string | undefined;
  readonly 'config-file'?: string | undefined;
}

const skipped = (unseen: string): { readonly unseen: string } => ({ unseen });

/** Docker beside subnet.env; one that hangs is not waited for. */
async function dockerEvidence({ kernel, docker }: Subject): Promise<readonly DockerRow[]> {
  const { dockerStatus } = await import('../docker/status.ts');
  const parts = { bridge: bridgeOf(kernel), signal: AbortSignal.timeout(LIMIT_MS) };
  const { rows } = await dockerStatus({ ...docker, lease: undefined }, parts);
  const absent = rows.find(({ what, state }) => what === 'dockerd' && state === 'down');
  if (absent && /^no dockerd was found/.test(absent.found)) throw new Error(absent.found);
  return rows;
}

/** Kernel and libc asked for what no file tells. */
async function askHost(network: Looked<{ readonly network: NetworkConfig }>): Promise<HostAsk> {
  const [{ featuresOf, knowsVxlan }, { isClockSynchronised }] = await Promise.all([
    import('../kernel/linux/ability.ts'),
    import('../sys/clock-state.ts'),
  ]);
  const backend = 'seen' in network ? network.seen.network.backend : undefined;
  const [vxlan, synchronised, offload] = await Promise.all([
    look(knowsVxlan),
    look(isClockSynchronised),
    backend?.type === 'vxlan'
      ? look(() => featuresOf(`flannel.${backend.vni}`))
      : skipped('the backend has no VXLAN device'),
  ]);
  return { vxlan, synchronised, offload };
}

/** What the whole look is about. */
interface Subject {
  readonly kernel: Kernel;
  readonly place: ReturnType<typeof placeOptions>;
  readonly connection: Looked<Connection>;
  readonly docker: Omit<DockerStatusRequest, 'lease'>;
  readonly clientFile: string;
  /** Nobody but this host is asked: etcd's word is what the node saw of it last. */
  readonly alone: boolean;
}

function askEtcd({ connection, alone }: Subject, nodeId: string): Promise<Looked<EtcdLook>> {
  if (alone) return Promise.resolve(skipped('etcd was not asked'));
  if (!('seen' in connection)) return Promise.resolve(connection);
  const { kv, prefix } = connection.seen;
  return look(() => etcdEvidence({ options: kv, prefix, nodeId, openKv, openMaintenance }), 2_000);
}

const keyFilesOf = ({ clientFile, connection }: Subject): readonly string[] =>
  [clientFile, 'seen' in connection ? connection.seen.kv.keyFile : undefined].filter((path) => path !== undefined);

/** What no other part waits for: it comes while peers are asked. */
async function lookAside(subject: Subject) {
  const { outputOf } = await import('../kernel/linux/ability.ts');
  const [filters, docker] = await Promise.all([
    look(() => filterEvidence(outputOf)),
    look(() => dockerEvidence(subject)),
  ]);
  return { filters, docker };
}

/** The parts that depend on no other. */
async function firstLook(subject: Subject, nodeId: string) {
  const [etcd, kernel, daemon] = await Promise.all([
    askEtcd(subject, nodeId),
    look(() => observeInterfaces(subject.kernel)),
    daemonEvidence(subject.place.runDir),
  ]);
  return { etcd, kernel, daemon };
}

async function examine(subject: Subject): Promise<Evidence> {
  const { place, connection } = subject;
  const { stateDir, runDir } = place;
  const { nodeId } = await readNodeState(stateDir);
  const first = firstLook(subject, nodeId);
  const aside = lookAside(subject);
  const { etcd, kernel, daemon: word } = await first;
  const { plan: told, ...daemon } = word;
  const prefix = 'seen' in connection ? connection.seen.prefix : DEFAULT_PREFIX;
  const network = await look(() => networkEvidence(etcd, { stateDir, prefix }, nodeId));
  const places = { stateDir, runDir, subnetFile: place.wish.subnetFile, secrets: keyFilesOf(subject) };
  const host = await hostEvidence(places, await askHost(network));
  const wish = inferWish(place.wish, daemon, network, host.subnetFile.text);
  const iface = 'seen' in kernel ? await look(() => interfaceEvidence(kernel.seen, wish)) : kernel;
  const [{ filters, docker }, plan, peers] = await Promise.all([
    aside,
    'seen' in told || !('seen' in network) ? told : look(() => ownPlan(subject.kernel, network.seen, wish)),
    !subject.alone && 'seen' in network && 'seen' in iface && 'seen' in kernel
      ? look(() => peersEvidence(network.seen, iface.seen, kernel.seen))
      : skipped('it is not known who is a peer, or by which interface'),
  ]);
  return {
    ...{ host, iface, kernel, filters, network, plan, daemon, peers, docker },
    clientConfig: 'seen' in connection ? { seen: connection.seen.kv.endpoints.join(', ') } : connection,
    etcd: 'seen' in etcd ? { seen: etcd.seen.evidence } : etcd,
  };
}

/**
 * Looks once, judges everything (`ids`: only these); `alone`: without asking etcd or peers. Throws USAGE for flags that are no good.
 */
export async function doctorNow(
  flags: DoctorFlags,
  ids: readonly string[],
  alone = false,
): Promise<readonly Finding[]> {
  const kernel = await plainKernel();
  try {
    const evidence = await examine({
      kernel,
      place: placeOptions(flags),
      connection: await look(() => resolveConnection(flags)),
      docker: {
        stateDir: flags['state-dir'],
        subnetFile: flags['subnet-file'],
        configFile: flags['config-file'],
        socket: flags['docker-socket'],
      },
      clientFile: clientConfigPath(flags['config-dir']),
      alone,
    });
    return judgeAll(evidence, ids);
  } finally {
    await kernel.close();
  }
}
