import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { TsflannelError } from '../errors.ts';
import { packageRoot } from '../root.ts';
import { dockerdPaths } from './dockerd.ts';
import type { Lab, LabNode } from './lab.ts';

/** Marks every process of a lab by its environment: how `lab down` finds them all. */
export const LAB_MARK = 'TSFLANNEL_LAB';

/** What of the caller's environment must not reach a node: it means another cluster or another dockerd. */
const FOREIGN = /^(FLANNELD_|TSFLANNEL_|ETCD|DOCKER_)/;

/** The caller's environment without what means other clusters, marked as the lab's; `tsflannel` is on the PATH. */
export function markedEnvironment(lab: Lab, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept = Object.entries(env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !FOREIGN.test(pair[0]),
  );
  const path = [join(packageRoot(), 'bin'), env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'].join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path, [LAB_MARK]: lab.spec.name };
}

export const configDirOf = (node: LabNode): string => join(node.dir, 'etc');
export const runDirOf = (node: LabNode): string => join(node.dir, 'run');
export const subnetFileOf = (node: LabNode): string => join(runDirOf(node), 'subnet.env');
/** Folder of the node's dockerd. */
export const dockerDirOf = (node: LabNode): string => join(node.dir, 'docker');

/** How a command is run on a node: everything it would keep on a host lies below the node's folder. */
export function nodeEnvironment(lab: Lab, node: LabNode, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const docker = dockerdPaths(dockerDirOf(node));
  return {
    ...markedEnvironment(lab, env),
    TSFLANNEL_LAB_NODE: node.name,
    TSFLANNEL_CONFIG_DIR: configDirOf(node),
    TSFLANNEL_STATE_DIR: join(node.dir, 'state'),
    TSFLANNEL_RUN_DIR: runDirOf(node),
    TSFLANNEL_SUBNET_FILE: subnetFileOf(node),
    TSFLANNEL_DATA_DIR: join(node.dir, 'etcd'),
    TSFLANNEL_DOCKER_SOCKET: docker.socket,
    TSFLANNEL_DOCKER_CONFIG_FILE: docker.configFile,
    DOCKER_HOST: `unix://${docker.socket}`,
    DOCKER_CONFIG: join(configDirOf(node), 'docker-cli'),
  };
}

/** The argument vector that runs `argv` in a namespace. */
export const inNamespace = (namespace: string, argv: readonly string[]): readonly [string, ...string[]] => [
  'nsenter',
  `--net=/run/netns/${namespace}`,
  '--',
  ...argv,
];

const hostNameOf = (node: LabNode): string => join(node.dir, 'uts');

/** The same on a node: the node's name is the host name there too. */
export const onNode = (node: LabNode, argv: readonly string[]): readonly [string, ...string[]] => [
  'nsenter',
  `--net=/run/netns/${node.namespace}`,
  `--uts=${hostNameOf(node)}`,
  '--',
  ...argv,
];

/** Makes the folders a node's commands expect to find, and its host name (a UTS namespace, kept by a mount). */
export async function prepareNode(node: LabNode): Promise<void> {
  for (const name of ['etc', 'state', 'run']) await mkdir(join(node.dir, name), { recursive: true });
  const file = hostNameOf(node);
  await writeFile(file, '');
  await execa('unshare', [`--uts=${file}`, 'tee', '/proc/sys/kernel/hostname'], { input: node.name });
}

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command on a node to its end; never rejects for what the command itself says. `timeoutMs` kills it (exit 137). */
export async function runOn(lab: Lab, node: LabNode, argv: readonly string[], timeoutMs = 120_000): Promise<Ran> {
  const [program, ...rest] = onNode(node, argv);
  const options = {
    env: nodeEnvironment(lab, node),
    extendEnv: false,
    reject: false,
    timeout: timeoutMs,
    stdin: 'ignore',
  } as const;
  const { exitCode, stdout, stderr, timedOut } = await execa(program, rest, { ...options, killSignal: 'SIGKILL' });
  return { exit: exitCode ?? 137, stdout, stderr: timedOut ? `${stderr}\nnot done in ${timeoutMs / 1000} s` : stderr };
}

/** As {@link runOn} for a command that must succeed: anything else rejects with LAB_STUCK, which holds what the command said. */
export async function mustRun(lab: Lab, node: LabNode, argv: readonly string[], timeoutMs?: number): Promise<Ran> {
  const ran = await runOn(lab, node, argv, timeoutMs);
  if (ran.exit === 0) return ran;
  const said = (ran.stderr || ran.stdout).trim().split('\n').slice(-12).join('\n    ');
  throw new TsflannelError('LAB_STUCK', { detail: `${node.name}: ${argv.join(' ')}: exit ${ran.exit}\n    ${said}` });
}
