import { isDeepStrictEqual } from 'node:util';
import { TsflannelError } from '../errors.ts';
import type { DockerOutcome } from './apply.ts';
import { finishFormer, journaled } from './broken-off.ts';
import { checkAhead } from './check-config.ts';
import { configValue, type DaemonJson, mergeDaemonJson, OUR_KEYS, parseDaemonJson, type Value } from './daemon-json.ts';
import { flagValue, setFlag } from './flags.ts';
import { type DockerParts, type DockerPlace, type Gathered, gather, mayStop, readState } from './gather.ts';
import { type Journal, toStartAgain, writeJournal } from './journal.ts';
import { refuseOwnNetworks } from './own-networks.ts';
import { pinned, sidesOf } from './pin.ts';
import { type Change, docker0Of, type FileChange, type FileState, printChange } from './plan.ts';
import { switchDocker } from './switch.ts';

export interface RevertRequest extends DockerPlace {
  readonly dryRun: boolean;
  readonly stopContainers: boolean;
}

const textIn = (files: readonly FileState[], path: string): string | undefined =>
  files.find((file) => file.path === path)?.text;

/** daemon.json that somebody changed after us: only our keys go back. */
function withFormerKeys(now: FileState, former: string | undefined): string {
  const json = parseDaemonJson(former, now.path);
  const values = Object.fromEntries(OUR_KEYS.map((key) => [key, configValue(json, key)]));
  return mergeDaemonJson(now.text, now.path, values as Record<string, Value>);
}

/** The file as it was before the first apply; where others wrote to daemon.json since, with theirs kept. */
async function formerFile(
  before: FileState,
  { before: { docker0 }, after }: Journal,
  daemonJson: string,
): Promise<FileChange> {
  const now = await readState(before.path);
  const whole = { path: before.path, before: now.text, after: before.text };
  if (before.path !== daemonJson || now.text === undefined) return whole;
  const ours = [before.text, textIn(after.files, before.path), docker0?.bip && pinned(before, docker0.bip).text];
  return ours.includes(now.text) ? whole : { ...whole, after: withFormerKeys(now, before.text) };
}

/** dockerd's command line as before; started by others with another one since, only our options go back. */
function formerArgv(now: readonly string[], { before, after }: Journal): readonly string[] {
  const former = before.argv;
  if (former === undefined || isDeepStrictEqual(now, former)) return now;
  if (isDeepStrictEqual(now, after.argv)) return former;
  return OUR_KEYS.reduce<readonly string[]>((argv, key) => setFlag(argv, key, flagValue(former, key)), now);
}

/** An option that somebody put into daemon.json meanwhile stays there: with the flag too dockerd would not start. */
const withoutDoubles = (argv: readonly string[], json: DaemonJson): readonly string[] =>
  OUR_KEYS.filter((key) => configValue(json, key) !== undefined && flagValue(argv, key) !== undefined).reduce(
    (rest, key) => setFlag(rest, key, undefined),
    argv,
  );

const afterOf = ({ path, after }: FileChange): FileState => ({ path, text: after });

/** What has to change so that Docker is as it was before the first apply. */
export async function planRevert(gathered: Gathered, journal: Journal): Promise<Change> {
  const { facts, service, info } = gathered;
  const { before } = journal;
  const leftDown = journal.stopped !== undefined && info === undefined;
  const all = await Promise.all(before.files.map((file) => formerFile(file, journal, facts.daemonJson.path)));
  const files = all.filter((file) => file.before !== file.after);
  const { path } = facts.daemonJson;
  const text = all.some((file) => file.path === path) ? textIn(all.map(afterOf), path) : facts.daemonJson.text;
  const json = parseDaemonJson(text, path);
  const argv = service.ownArgv ? withoutDoubles(formerArgv(facts.argv, journal), json) : facts.argv;
  const rawSwitch = { before: facts.rawSwitch, after: before.rawSwitch ?? facts.rawSwitch };
  const same =
    isDeepStrictEqual(argv, facts.argv) &&
    isDeepStrictEqual(before.docker0?.addresses, facts.docker0) &&
    rawSwitch.before === rawSwitch.after;
  return {
    needed: !same || files.length > 0 || leftDown,
    files,
    argv: { before: facts.argv, after: argv },
    docker0: { before: docker0Of(facts), after: before.docker0 },
    rawSwitch,
  };
}

async function verify(parts: DockerParts, wanted: readonly string[] | undefined): Promise<void> {
  const addresses = await parts.bridge.addresses();
  if (wanted === undefined || wanted.every((each) => addresses?.includes(each))) return;
  const has = addresses?.join(' ') ?? 'nothing';
  throw new TsflannelError('DOCKER_CONFIG', { detail: `docker0 has ${has} and not ${wanted.join(' ')}` });
}

async function perform(
  request: RevertRequest,
  parts: DockerParts,
  gathered: Gathered & { readonly journal: Journal },
  change: Change,
): Promise<void> {
  const { service, api, info, spec, journal } = gathered;
  const running = toStartAgain(journal, gathered.running);
  await journaled(request.stateDir, { journal, next: journal, running }, () =>
    switchDocker(
      { service, api, bridge: parts.bridge, signal: parts.signal, notice: parts.notice },
      {
        ...sidesOf(change, gathered.facts),
        running,
        ran: info !== undefined || spec !== undefined,
        stopContainers: info?.liveRestore === true && request.stopContainers,
        verify: () => verify(parts, change.docker0.after?.addresses),
      },
    ),
  );
}

async function revertTo(gathered: Gathered, request: RevertRequest, parts: DockerParts): Promise<DockerOutcome> {
  const { journal } = gathered;
  if (!journal) return { changed: false, change: '', containers: [] };
  const change = await planRevert(gathered, journal);
  const outcome = {
    changed: change.needed,
    change: change.needed ? printChange(change, gathered.service.label) : '',
    containers: change.needed ? gathered.running.map(({ name }) => name) : [],
  };
  if (change.needed) await refuseOwnNetworks(gathered, change.docker0.after?.bip);
  const stopContainers = change.needed && (await mayStop(gathered, request, parts));
  if (change.needed) await checkAhead(gathered.spec?.exe, gathered.facts, change);
  if (request.dryRun) return outcome;
  if (change.needed) {
    await parts.confirm(outcome.change, outcome.containers);
    await perform({ ...request, stopContainers }, parts, { ...gathered, journal }, change);
    await parts.notifyDaemon?.();
  } else await finishFormer(request.stateDir, gathered, parts);
  await writeJournal(request.stateDir, undefined);
  return outcome;
}

/**
 * Puts dockerd's options and docker0 back as they were before the first apply; without one there is nothing to do. Rejects as
 * applyDocker does; then Docker is as it was and the journal stays.
 */
export async function revertDocker(request: RevertRequest, parts: DockerParts): Promise<DockerOutcome> {
  const gathered = await gather(request, parts);
  try {
    return await revertTo(gathered, request, parts);
  } finally {
    gathered.service.close();
  }
}
