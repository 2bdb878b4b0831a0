import { isDeepStrictEqual } from 'node:util';
import { TsflannelError } from '../errors.ts';
import {
  containsIp,
  containsPrefix,
  parseCidr,
  parseIp4,
  parsePrefix,
  prefixOf,
  printPrefix,
} from '../model/address.ts';
import type { SubnetEnv } from '../model/subnet-env.ts';
import type { BridgeNetwork } from './api.ts';
import {
  configValue,
  type DaemonJson,
  mergeDaemonJson,
  NETWORK_KEYS,
  OUR_KEYS,
  type OurKey,
  parseDaemonJson,
  stringOf,
  valuesOf,
} from './daemon-json.ts';
import { diffLines, withoutPasswords } from './diff.ts';
import { type DirectRouting, RAW_SWITCH } from './direct-routing.ts';
import { envFileHas, mergeEnvFile } from './env-file.ts';
import { flagValue, setFlag } from './flags.ts';
import { type DockerOptions, optionsOf } from './options.ts';

/** A file's text; `undefined`: there is none. */
export interface FileState {
  readonly path: string;
  readonly text: string | undefined;
}

/** What was found on the host, as far as the change depends on it. */
export interface Facts {
  /** How dockerd runs, in words. */
  readonly label: string;
  readonly argv: readonly string[];
  /** Whether dockerd can be started with other flags: not so under a unit. */
  readonly ownArgv: boolean;
  readonly daemonJson: FileState;
  /** Whether `--config-file` has to be given for dockerd to read it. */
  readonly tellConfigFile: boolean;
  /** Env file of a unit and the variable dockerd's command line takes from it, when asked for. */
  readonly envFile: (FileState & { readonly key: string }) | undefined;
  /** IPv4 addresses of docker0 (`a.b.c.d/len`), the kernel's order; `undefined`: no docker0. */
  readonly docker0: readonly string[] | undefined;
  /** What the running dockerd says; `undefined` when none runs. */
  readonly bridge: BridgeNetwork | undefined;
  /** What this version of dockerd needs. */
  readonly directRouting: DirectRouting;
  /** Whether RAW_SWITCH is set in its environment. */
  readonly rawSwitch: boolean;
}

export interface FileChange {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** docker0's IPv4 addresses (`a.b.c.d/len`, the kernel's order), and which of them is the one Docker gives containers addresses by. */
export interface Docker0 {
  readonly addresses: readonly string[];
  readonly bip: string | undefined;
}

/** The exact changes; `needed` is false when everything is so already. */
export interface Change {
  readonly needed: boolean;
  readonly files: readonly FileChange[];
  readonly argv: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** `undefined`: there is none. */
  readonly docker0: { readonly before: Docker0 | undefined; readonly after: Docker0 | undefined };
  /** RAW_SWITCH in dockerd's environment. */
  readonly rawSwitch: { readonly before: boolean; readonly after: boolean };
}

const config = (detail: string): TsflannelError => new TsflannelError('DOCKER_CONFIG', { detail });

/** An option's text from wherever it is set. */
const setting = (facts: Facts, json: DaemonJson, name: string): string | undefined =>
  flagValue(facts.argv, name) ?? stringOf(json, name);

/** Options that cannot live with the subnet: dockerd would refuse to start, or give out addresses of another range. */
function refuseContradictions(facts: Facts, json: DaemonJson, options: DockerOptions): void {
  const bridge = setting(facts, json, 'bridge');
  if (bridge) throw config(`dockerd runs with bridge ${bridge}, which excludes bip: take that option away first`);
  const bip = parseCidr(options.bip)!;
  const subnet = prefixOf(bip.ip, bip.length);
  const fixed = setting(facts, json, 'fixed-cidr');
  const range = fixed === undefined ? undefined : parsePrefix(fixed);
  if (fixed && !(range && containsPrefix(subnet, range)))
    throw config(`fixed-cidr ${fixed} is outside ${printPrefix(subnet)}: take that option away first`);
  const gateway = setting(facts, json, 'default-gateway');
  const ip = gateway === undefined ? undefined : parseIp4(gateway);
  if (gateway && !(ip && containsIp(subnet, ip)))
    throw config(`default-gateway ${gateway} is outside ${printPrefix(subnet)}: take that option away first`);
}

/** Ours on a unit's command line: it comes from the unit or from an env file, and a second one in daemon.json would stop dockerd. */
function refuseUnitFlags(facts: Facts): void {
  const flags = NETWORK_KEYS.filter((key) => flagValue(facts.argv, key) !== undefined);
  if (flags.length === 0) return;
  const list = flags.map((name) => `--${name}`).join(' ');
  throw config(
    `${facts.label} runs dockerd with ${list}: take them away there, or name the env file they come from (--docker-env-file FILE --docker-env-key NAME)`,
  );
}

interface Settings {
  readonly files: readonly FileChange[];
  readonly argv: readonly string[];
}

/** A flag stays a flag; what is set nowhere goes into daemon.json; what is in both places (the next start would fail) stays in the file. */
function throughDaemonJson(facts: Facts, json: DaemonJson, options: DockerOptions): Settings {
  if (!facts.ownArgv) refuseUnitFlags(facts);
  const values = valuesOf(options);
  const wanted = OUR_KEYS.filter((key) => values[key] !== undefined);
  const asFlag = (key: OurKey): boolean =>
    flagValue(facts.argv, key) !== undefined && configValue(json, key) === undefined;
  const inFile = wanted.filter((key) => !asFlag(key));
  const flags = wanted.reduce(
    (argv, key) =>
      flagValue(argv, key) === undefined ? argv : setFlag(argv, key, asFlag(key) ? String(values[key]) : undefined),
    facts.argv,
  );
  const argv = facts.tellConfigFile ? setFlag(flags, 'config-file', facts.daemonJson.path) : flags;
  const { path, text } = facts.daemonJson;
  if (inFile.every((key) => configValue(json, key) === values[key])) return { files: [], argv };
  const after = mergeDaemonJson(text, path, Object.fromEntries(inFile.map((key) => [key, values[key]])));
  return { files: [{ path, before: text, after }], argv };
}

function throughEnvFile(facts: Facts, json: DaemonJson, env: SubnetEnv): Settings {
  const file = facts.envFile!;
  if (facts.ownArgv)
    throw config(`${facts.label} reads no env file: --docker-env-file is for a unit or an init script`);
  const both = NETWORK_KEYS.filter((key) => configValue(json, key) !== undefined);
  if (both.length > 0)
    throw config(`${facts.daemonJson.path} sets ${both.join(', ')}, which would stop dockerd if flags said it too`);
  const elsewhere = NETWORK_KEYS.filter(
    (key) => flagValue(facts.argv, key) !== undefined && !envFileHas(file.text, file.key, key),
  );
  if (elsewhere.length > 0)
    throw config(`${facts.label} runs dockerd with --${elsewhere.join(' --')}, which ${file.path} does not give it`);
  const after = mergeEnvFile(file.text, file.key, env, facts.directRouting);
  return { files: after === file.text ? [] : [{ path: file.path, before: file.text, after }], argv: facts.argv };
}

/** Which of docker0's addresses is Docker's: the one it names, else the one in its network, else the first. */
export function dockersAddress(addresses: readonly string[], bridge: BridgeNetwork | undefined): string | undefined {
  const named = addresses.find((each) => each.split('/')[0] === bridge?.gateway);
  const network = (each: string): string | undefined => {
    const cidr = parseCidr(each);
    return cidr && printPrefix(prefixOf(cidr.ip, cidr.length));
  };
  return named ?? addresses.find((each) => network(each) === bridge?.subnet) ?? addresses[0];
}

/** docker0 as found; `undefined`: there is none. */
export const docker0Of = ({ docker0, bridge }: Facts): Docker0 | undefined =>
  docker0 && { addresses: docker0, bip: dockersAddress(docker0, bridge) };

function readdressed(facts: Facts, bip: string): Docker0 | undefined {
  if (facts.docker0 === undefined) return undefined;
  if (facts.docker0.includes(bip)) return { addresses: facts.docker0, bip };
  const former = dockersAddress(facts.docker0, facts.bridge);
  return { addresses: [bip, ...facts.docker0.filter((each) => each !== former)], bip };
}

/** Whether the running dockerd says of its bridge what these options say. */
export function bridgeFits(bridge: BridgeNetwork | undefined, { bip, mtu, ipMasq }: DockerOptions): boolean {
  const { ip, length } = parseCidr(bip)!;
  return (
    bridge?.gateway === bip.split('/')[0] &&
    bridge?.subnet === printPrefix(prefixOf(ip, length)) &&
    bridge?.mtu === mtu &&
    bridge?.ipMasq === ipMasq
  );
}

/** What has to change so that dockerd has the leased subnet. Throws DOCKER_CONFIG where the host's own options forbid it. */
export function planApply(facts: Facts, env: SubnetEnv): Change {
  const options = optionsOf(env, facts.directRouting);
  const json = parseDaemonJson(facts.daemonJson.text, facts.daemonJson.path);
  refuseContradictions(facts, json, options);
  const { files, argv } = facts.envFile ? throughEnvFile(facts, json, env) : throughDaemonJson(facts, json, options);
  const after = readdressed(facts, options.bip);
  const rawSwitch = { before: facts.rawSwitch, after: facts.rawSwitch || facts.directRouting === 'environment' };
  const same =
    isDeepStrictEqual(argv, facts.argv) &&
    isDeepStrictEqual(after?.addresses, facts.docker0) &&
    rawSwitch.before === rawSwitch.after;
  return {
    needed: !same || files.length > 0 || facts.docker0 === undefined || !bridgeFits(facts.bridge, options),
    files,
    argv: { before: facts.argv, after: argv },
    docker0: { before: docker0Of(facts), after },
    rawSwitch,
  };
}

const line = (title: string, before: string, after: string): string[] =>
  before === after ? [] : [`${title}:`, `- ${before}`, `+ ${after}`];

const switchText = (on: boolean): string => `${RAW_SWITCH}${on ? '=1' : ' is not set'}`;

/** The change as people read it, everything that differs. */
export function printChange(change: Change, label: string): string {
  const shown = (docker0: Docker0 | undefined): string => docker0?.addresses.join(' ') || '(none)';
  const lines = [
    ...change.files.flatMap(({ path, before, after }) => [
      `${path}:${before === undefined ? ' (new)' : after === undefined ? ' (removed)' : ''}`,
      ...diffLines(before, after),
    ]),
    ...line('dockerd', change.argv.before.join(' '), change.argv.after.join(' ')),
    ...line('docker0', shown(change.docker0.before), shown(change.docker0.after)),
    ...line("dockerd's environment", switchText(change.rawSwitch.before), switchText(change.rawSwitch.after)),
    `restart: ${label}`,
  ];
  return withoutPasswords(lines.join('\n'));
}
