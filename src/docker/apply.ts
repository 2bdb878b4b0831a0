import { TsflannelError } from '../errors.ts';
import { printForDocker } from '../model/subnet-env.ts';
import { finishFormer, journaled } from './broken-off.ts';
import { checkAhead } from './check-config.ts';
import { environmentFileDropIn, rawSwitchDropIn } from './drop-in.ts';
import { type DockerParts, type DockerPlace, type Gathered, gather, refuseLiveRestore } from './gather.ts';
import { continueJournal, toStartAgain } from './journal.ts';
import { type DockerOptions, optionsOf, readSubnetEnv } from './options.ts';
import { sidesOf } from './pin.ts';
import { bridgeFits, type Change, planApply, printChange } from './plan.ts';
import { switchDocker } from './switch.ts';

export interface ApplyRequest extends DockerPlace {
  readonly subnetFile: string;
  /** Env file of a unit instead of daemon.json, and its variable. */
  readonly envFile: { readonly path: string; readonly key: string } | undefined;
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

async function perform(request: ApplyRequest, parts: DockerParts, gathered: Gathered, change: Change): Promise<void> {
  const { service, spec, api, journal, info, facts } = gathered;
  const options = optionsOf(await readSubnetEnv(request.subnetFile), facts.directRouting);
  const sides = sidesOf(change, gathered.facts);
  const process = spec && service.ownArgv ? { ...spec, argv: change.argv.after } : undefined;
  const running = toStartAgain(journal, gathered.running);
  const next = continueJournal(journal, { before: sides.from.state, after: sides.to.state, process });
  await journaled(request.stateDir, { journal, next, running }, () =>
    switchDocker(
      { service, api, bridge: parts.bridge, signal: parts.signal, notice: parts.notice },
      {
        ...sides,
        running,
        ran: info !== undefined || spec !== undefined,
        stopContainers: info?.liveRestore === true && request.stopContainers,
        verify: () => verify(parts, gathered, options),
      },
    ),
  );
}

async function planned(request: ApplyRequest, gathered: Gathered): Promise<Change> {
  const change = planApply(gathered.facts, await readSubnetEnv(request.subnetFile));
  const dropIns = [...(await environmentFileDropIn(gathered)), ...(await rawSwitchDropIn(gathered))];
  return { ...change, needed: change.needed || dropIns.length > 0, files: [...change.files, ...dropIns] };
}

async function applyTo(gathered: Gathered, request: ApplyRequest, parts: DockerParts): Promise<DockerOutcome> {
  if (request.onlyRunning && !gathered.info)
    throw new TsflannelError('DOCKER_NOT_RUNNING', { detail: `${gathered.service.label} is not running` });
  const change = await planned(request, gathered);
  if (!change.needed) {
    if (!request.dryRun) await finishFormer(request.stateDir, gathered, parts);
    return { changed: false, change: '', containers: [] };
  }
  const outcome = {
    changed: true,
    change: printChange(change, gathered.service.label),
    containers: gathered.running.map(({ name }) => name),
  };
  refuseLiveRestore(gathered, request.stopContainers);
  await checkAhead(gathered.spec?.exe, gathered.facts, change);
  if (request.dryRun) return outcome;
  await parts.confirm(outcome.change, outcome.containers);
  await perform(request, parts, gathered, change);
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
  const gathered = await gather(request, parts, request.envFile);
  try {
    return await applyTo(gathered, request, parts);
  } finally {
    gathered.service.close();
  }
}
