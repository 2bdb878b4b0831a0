import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';
import { configValue, type DaemonJson, parseDaemonJson } from './daemon-json.ts';
import { flagValue, setFlag } from './flags.ts';
import type { Change, Facts } from './plan.ts';

/** No folder can be made here: dockerd ends right after it has read its configuration, before it touches anything. */
const NO_FOLDER = '/dev/null/none';
const TIMEOUT_MS = 15_000;
/** Keys that the trial gives as flags, so that it must not have them in its file; with the names of the flags. */
const OWN_PLACES: Readonly<Record<string, string>> = {
  'data-root': 'data-root',
  graph: 'graph',
  'exec-root': 'exec-root',
  pidfile: 'pidfile',
  hosts: 'host',
};
const COMPLAINT = /(unable to configure the Docker daemon.*|unable to parse.*|unknown flag.*|invalid argument.*)/;

/** What dockerd objects to, if anything; `undefined`: it was not asked. */
type Verdict = { readonly complaint?: string } | undefined;

const refuse = (detail: string): TsflannelError => new TsflannelError('DOCKER_CONFIG', { detail: printable(detail) });

/** Those of the trial's own keys that are set in both places. */
function refuseTwice(argv: readonly string[], json: DaemonJson, path: string): void {
  const twice = Object.keys(OWN_PLACES).filter(
    (key) => configValue(json, key) !== undefined && flagValue(argv, OWN_PLACES[key] ?? key) !== undefined,
  );
  if (twice.length > 0)
    throw refuse(`${path} and dockerd's command line both set ${twice.join(', ')}: dockerd refuses that`);
}

/** Exit status and complaints of a dockerd that ends by itself. */
async function complaints(exe: string, argv: readonly string[]): Promise<{ exit: number | undefined; text: string }> {
  const { execa } = await import('execa');
  const options = { reject: false, stdin: 'ignore', timeout: TIMEOUT_MS } as const;
  const { stderr, exitCode } = await execa(exe, argv.slice(1), options);
  return { exit: exitCode, text: stderr };
}

/** Lets dockerd check the file as it would read it; `undefined` where it has no --validate (before 23.0). */
async function validated(exe: string, argv: readonly string[], copy: string, json: DaemonJson): Promise<Verdict> {
  await writeFile(copy, JSON.stringify(json));
  const { exit, text } = await complaints(exe, [...setFlag(argv, 'config-file', copy), '--validate']);
  if (/unknown flag: --validate/.test(text)) return undefined;
  return exit === 0 ? {} : { complaint: COMPLAINT.exec(text)?.[1] ?? text };
}

/** Starts a dockerd that cannot get far, to see whether it reads its configuration. */
async function tried(exe: string, argv: readonly string[], folder: string, json: DaemonJson): Promise<Verdict> {
  const copy = join(folder, 'daemon.json');
  const others = Object.entries(json).filter(([key]) => OWN_PLACES[key] === undefined);
  await writeFile(copy, JSON.stringify(Object.fromEntries(others)));
  const places = {
    'config-file': copy,
    'data-root': NO_FOLDER,
    graph: undefined,
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'pid'),
    host: `unix://${join(folder, 'socket')}`,
  };
  const told = Object.entries(places).reduce((all, [name, value]) => setFlag(all, name, value), [...argv]);
  const complaint = COMPLAINT.exec((await complaints(exe, told)).text)?.[1];
  return complaint === undefined ? {} : { complaint };
}

/**
 * Lets this dockerd read the configuration it would be started with and tells what it objects to; a key set by flag and file, an
 * unknown one, a wrong type. Rejects with DOCKER_CONFIG.
 */
export async function checkConfig(
  exe: string,
  argv: readonly string[],
  path: string,
  text: string | undefined,
): Promise<void> {
  const json = parseDaemonJson(text, path);
  refuseTwice(argv, json, path);
  const folder = await mkdtemp(join(tmpdir(), 'tsflannel-docker-'));
  try {
    const copy = join(folder, 'daemon.json');
    const verdict = (await validated(exe, argv, copy, json)) ?? (await tried(exe, argv, folder, json));
    if (verdict?.complaint !== undefined) throw refuse(verdict.complaint.replaceAll(copy, path));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has dockerd read what a change would give it. `exe` is unknown for a unit that does not run: then its start will tell. */
export async function checkAhead(exe: string | undefined, facts: Facts, change: Change): Promise<void> {
  if (exe === undefined) return;
  const { path, text } = facts.daemonJson;
  const changed = change.files.find((file) => file.path === path);
  await checkConfig(exe, change.argv.after, path, changed ? changed.after : text);
}
