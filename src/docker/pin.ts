import { configValue, mergeDaemonJson, parseDaemonJson } from './daemon-json.ts';
import { flagValue } from './flags.ts';
import type { DockerState } from './journal.ts';
import type { Change, Facts, FileState } from './plan.ts';

/**
 * One side of a switch with what it takes to get dockerd there. Docker remembers the subnet of its bridge in its data root and, with
 * no bip, puts docker0 back on it at every start, whatever address docker0 has by then. So a dockerd that is to have no bip but its
 * former subnet is started once with that subnet as bip, and then without.
 */
export interface Side {
  readonly state: DockerState;
  /** daemon.json of this side. */
  readonly daemonJson: FileState;
  /** daemon.json for the start in between; `undefined`: none is needed. */
  readonly pin: FileState | undefined;
}

/** This daemon.json with a bip. */
export const pinned = ({ path, text }: FileState, bip: string): FileState => ({
  path,
  text: mergeDaemonJson(text, path, { bip }),
});

const isDropIn = (path: string): boolean => path.startsWith('/etc/systemd/');
const namesBip = ({ text }: FileState): boolean => /--bip[= ]/.test(text ?? '');

/** Whether a flag says bip. A unit whose env file changes does not have those flags that its dockerd has now. */
function flagSaysBip(change: Change, facts: Facts, which: 'before' | 'after', files: readonly FileState[]): boolean {
  const envFiles = files.filter(({ path }) => path !== facts.daemonJson.path && !isDropIn(path));
  if (!facts.ownArgv && envFiles.length > 0) return envFiles.some(namesBip);
  return flagValue(change.argv[which], 'bip') !== undefined;
}

function side(change: Change, facts: Facts, which: 'before' | 'after'): Side {
  const files = change.files.map((file) => ({ path: file.path, text: file[which] }));
  const daemonJson = files.find(({ path }) => path === facts.daemonJson.path) ?? facts.daemonJson;
  const bip = change.docker0[which]?.bip;
  const json = parseDaemonJson(daemonJson.text, daemonJson.path);
  const given = configValue(json, 'bip') !== undefined || flagSaysBip(change, facts, which, files);
  return {
    state: {
      files,
      argv: facts.ownArgv ? change.argv[which] : undefined,
      docker0: change.docker0[which],
      rawSwitch: facts.ownArgv ? change.rawSwitch[which] : undefined,
    },
    daemonJson,
    pin: given || bip === undefined ? undefined : pinned(daemonJson, bip),
  };
}

/** Both sides of a change. */
export const sidesOf = (change: Change, facts: Facts): { readonly from: Side; readonly to: Side } => ({
  from: side(change, facts, 'before'),
  to: side(change, facts, 'after'),
});
