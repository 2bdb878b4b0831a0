import { TsflannelError } from '../errors.ts';
import { printForDocker, type SubnetEnv } from '../model/subnet-env.ts';
import { finishFormer, journaled } from './broken-off.ts';
import { checkAhead } from './check-config.ts';
import { environmentFileDropIn, rawSwitchDropIn } from './drop-in.ts';
import { type DockerParts, type DockerPlace, type Gathered, gather, mayStop } from './gather.ts';
import { continueJournal, toStartAgain, type Wish } from './journal.ts';
import { type DockerOptions, narrowed, optionsOf, readSubnetEnv } from './options.ts';
import { refuseOwnNetworks } from './own-networks.ts';
import { sidesOf } from './pin.ts';
import { bridgeFits, type Change, planApply, printChange } from './plan.ts';
import { switchDocker } from './switch.ts';

export interface ApplyRequest extends DockerPlace {
  readonly subnetFile: string;
  /** What is not said is as at the last apply. */
  readonly wish: Wish;
  readonly dryRun: boolean;
  readonly stopContainers: boolean;
  /** A dockerd that is down stays down: DOCKER_NOT_RUNNING. */
  readonly onlyRunning?: boolean;
  /** What subnet.env is to say (printForDocker): SUBNET_ENV_MISSING while it says something else. */
  readonly expected?: string;
}

/** What was done, or with dryRun would be. */
export interface DockerOutcome {
  readonly changed: boolean;
  /** The changes as text; empty when there are none. */
  readonly change: string;
  /** Names of the containers that the restart touches. */
  readonly containers: readonly string[];
}

async function verify(parts: DockerParts, { api }: Gathered, options: DockerOptions): Promise<void> {
  const addresses = (await parts.bridge.addresses()) ?? [];
  if (!addresses.includes(options.bip)) {
    const has = addresses.join(' ') || 'no address';
    throw new TsflannelError('DOCKER_CONFIG', { detail: `docker0 has ${has} and not ${options.bip}` });
  }
  const bridge = await api.bridge();
  if (!bridgeFits(bridge, options))
    throw new TsflannelError('DOCKER_CONFIG', {
      detail: `Docker says its bridge has subnet ${bridge.subnet}, gateway ${bridge.gateway}, mtu ${bridge.mtu}, masquerade ${bridge.ipMasq}`,
    });
}

/** The change, and what it is made from. */
interface Planned extends Change {
  readonly options: DockerOptions;
  readonly wish: Wish;
}

async function perform(request: ApplyRequest, parts: DockerParts, gathered: Gathered, change: Planned): Promise<void> {
  const { service, spec, api, journal, info } = gathered;
  const sides = sidesOf(change, gathered.facts);
  const process = spec && service.ownArgv ? { ...spec, argv: change.argv.after } : undefined;
  const running = toStartAgain(journal, gathered.running);
  const next = continueJournal(journal, {
    before: sides.from.state,
    after: sides.to.state,
    process,
    wish: change.wish,
  });
  await journaled(request.stateDir, { journal, next, running }, () =>
    switchDocker(
      { service, api, bridge: parts.bridge, signal: parts.signal, notice: parts.notice },
      {
        ...sides,
        running,
        ran: info !== undefined || spec !== undefined,
        stopContainers: info?.liveRestore === true && request.stopContainers,
        verify: () => verify(parts, gathered, change.options),
      },
    ),
  );
}

/** A remembered length that a lease of another size does not have any more is forgotten. */
function wishOf({ wish }: ApplyRequest, { journal }: Gathered, env: SubnetEnv): Wish {
  const former = journal?.wish?.docker0Length;
  const fits = former !== undefined && former >= env.subnet.length;
  return {
    docker0Length: wish.docker0Length ?? (fits ? former : undefined),
    envFile: wish.envFile ?? journal?.wish?.envFile,
  };
}

async function planned(request: ApplyRequest, gathered: Gathered, lease: SubnetEnv): Promise<Planned> {
  const wish = wishOf(request, gathered, lease);
  const env = narrowed(lease, wish.docker0Length);
  const options = optionsOf(env, gathered.facts.directRouting);
  const change = planApply(gathered.facts, env);
  const dropIns = [...(await environmentFileDropIn(gathered)), ...(await rawSwitchDropIn(gathered))];
  const needed = change.needed || dropIns.length > 0;
  return { ...change, needed, files: [...change.files, ...dropIns], options, wish };
}

async function applyTo(
  gathered: Gathered,
  request: ApplyRequest,
  parts: DockerParts,
  env: SubnetEnv,
): Promise<DockerOutcome> {
  if (request.onlyRunning && !gathered.info)
    throw new TsflannelError('DOCKER_NOT_RUNNING', { detail: `${gathered.service.label} is not running` });
  const change = await planned(request, gathered, env);
  if (!change.needed) {
    if (!request.dryRun) await finishFormer(request.stateDir, gathered, parts);
    return { changed: false, change: '', containers: [] };
  }
  const outcome = {
    changed: true,
    change: printChange(change, gathered.service.label),
    containers: gathered.running.map(({ name }) => name),
  };
  await refuseOwnNetworks(gathered, change.options.bip);
  const stopContainers = await mayStop(gathered, request, parts);
  await checkAhead(gathered.spec?.exe, gathered.facts, change);
  if (request.dryRun) return outcome;
  await parts.confirm(outcome.change, outcome.containers);
  await perform({ ...request, stopContainers }, parts, gathered, change);
  await parts.notifyDaemon?.();
  return outcome;
}

/**
 * Gives this host's dockerd the subnet of subnet.env. Rejects with SUBNET_ENV_*, DOCKER_*, NEEDS_CONFIRMATION or ABORTED; then Docker is
 * as it was. The second run finds nothing to change.
 */
export async function applyDocker(request: ApplyRequest, parts: DockerParts): Promise<DockerOutcome> {
  // Told before anything else: without a lease there is nothing to look for.
  const env = await readSubnetEnv(request.subnetFile);
  if (request.expected !== undefined && printForDocker(env) !== request.expected)
    throw new TsflannelError('SUBNET_ENV_MISSING', {
      file: request.subnetFile,
      detail: `it does not say ${request.expected} yet`,
    });
  const gathered = await gather(request, parts, request.wish.envFile);
  try {
    return await applyTo(gathered, request, parts, env);
  } finally {
    gathered.service.close();
  }
}
