import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { parseJsonObject } from '../model/parsed.ts';
import type { Container } from './api.ts';
import type { Docker0, FileState } from './plan.ts';
import type { ProcessSpec } from './process.ts';

/** dockerd's options and docker0 at one moment. */
export interface DockerState {
  readonly files: readonly FileState[];
  /** `undefined` for a unit, whose command line is not ours. */
  readonly argv: readonly string[] | undefined;
  /** `undefined`: there was none. */
  readonly docker0: Docker0 | undefined;
  /** RAW_SWITCH in its environment; `undefined` where that is not ours (a unit), or older than this field. */
  readonly rawSwitch?: boolean | undefined;
}

/** What `docker apply` can be asked for beside the lease. */
export interface Wish {
  /** Length of docker0's part of the leased subnet. */
  readonly docker0Length?: number | undefined;
  /** Env file of a unit instead of daemon.json, and its variable. */
  readonly envFile?: { readonly path: string; readonly key: string } | undefined;
}

/** What `docker revert` needs. Holds daemon.json and dockerd's environment, which may hold passwords: the file is 0600. */
export interface Journal {
  readonly version: 1;
  /** Before the first apply; later ones keep it. */
  readonly before: DockerState;
  /** What the last apply left, by which later changes of others are told. */
  readonly after: DockerState;
  /** A dockerd without a supervisor as it was last started, for a run that was broken off while it was down. */
  readonly process: ProcessSpec | undefined;
  /** How the last apply was asked for, which one without these flags goes on with: `up --docker` is one. */
  readonly wish?: Wish | undefined;
  /** Containers that ran when a switch began which has not ended yet: whoever ends it starts them again, in this order. */
  readonly stopped?: readonly Container[] | undefined;
}

const pathOf = (stateDir: string): string => join(stateDir, 'docker-apply.json');

const invalid = (file: string, detail: string): TsflannelError =>
  new TsflannelError('DOCKER_CONFIG', { detail: `the journal ${file} is not usable: ${detail}` });

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isOptional = (value: unknown, check: (value: unknown) => boolean): boolean => value === undefined || check(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const isDocker0 = (value: unknown): boolean =>
  isObject(value) && isTexts(value.addresses) && isOptional(value.bip, isText);

const isState = (value: unknown): boolean =>
  isObject(value) &&
  Array.isArray(value.files) &&
  value.files.every((file) => isObject(file) && isText(file.path) && isOptional(file.text, isText)) &&
  isOptional(value.argv, isTexts) &&
  isOptional(value.docker0, isDocker0) &&
  isOptional(value.rawSwitch, isBoolean);

const isProcess = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.exe) &&
  isTexts(value.argv) &&
  isText(value.cwd) &&
  isText(value.mounts) &&
  isObject(value.env) &&
  Object.values(value.env).every(isText) &&
  isOptional(value.stdout, isText) &&
  isOptional(value.stderr, isText);

/** The ids become parts of paths of the API. */
const isContainers = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((each) => isObject(each) && isText(each.name) && isText(each.id) && /^[0-9a-f]{12,64}$/.test(each.id));

const isWish = (value: unknown): boolean =>
  isObject(value) &&
  isOptional(value.docker0Length, Number.isInteger) &&
  isOptional(value.envFile, (file) => isObject(file) && isText(file.path) && isText(file.key));

const isJournal = (value: Json): boolean =>
  value.version === 1 &&
  isState(value.before) &&
  isState(value.after) &&
  isOptional(value.process, isProcess) &&
  isOptional(value.wish, isWish) &&
  isOptional(value.stopped, isContainers);

/** The journal; `undefined` when nothing was applied. Rejects with DOCKER_CONFIG when it is damaged. */
export async function readJournal(stateDir: string): Promise<Journal | undefined> {
  const file = pathOf(stateDir);
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const parsed = parseJsonObject(text, file, 4 * 1024 * 1024);
  if (!parsed.ok) throw invalid(file, parsed.rejection.code);
  if (!isJournal(parsed.value)) throw invalid(file, 'it is of another version, or damaged');
  return parsed.value as unknown as Journal;
}

/** Writes the journal, or with `undefined` removes it. */
export const writeJournal = (stateDir: string, journal: Journal | undefined): Promise<void> =>
  journal === undefined
    ? removeFile(pathOf(stateDir))
    : writeFileAtomic(pathOf(stateDir), `${JSON.stringify(journal, null, 2)}\n`, 0o600);

const withFiles = (former: readonly FileState[], more: readonly FileState[]): FileState[] => [
  ...former,
  ...more.filter(({ path }) => !former.some((file) => file.path === path)),
];

/** The journal after one more apply: the oldest `before` of everything, the newest `after`. */
export function continueJournal(former: Journal | undefined, latest: Omit<Journal, 'version'>): Journal {
  if (!former) return { version: 1, ...latest };
  return {
    version: 1,
    before: { ...former.before, files: withFiles(former.before.files, latest.before.files) },
    after: { ...latest.after, files: withFiles(latest.after.files, former.after.files) },
    process: latest.process,
    wish: latest.wish,
    stopped: latest.stopped,
  };
}

/** Those that run now and those that a run which was broken off has left stopped. */
export const toStartAgain = (journal: Journal | undefined, running: readonly Container[]): readonly Container[] => {
  const former = journal?.stopped ?? [];
  return [...former, ...running.filter(({ id }) => !former.some((each) => each.id === id))];
};
