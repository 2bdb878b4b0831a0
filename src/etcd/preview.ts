import { TsflannelError } from '../errors.ts';
import { clientConfigPath } from '../files/client-config.ts';
import { JOIN_PORT } from './choose.ts';
import { type InitOptions, preflight, type Settled } from './init.ts';
import { etcdCommand, logFile, memberFile, pidFile } from './member.ts';
import { inspectProcesses } from './process.ts';
import { checkEtcd, findEtcd, ownDiscovery } from './program.ts';
import { commandLine } from './request.ts';
import { UNIT_FILE } from './unit.ts';

/** Folders unless flags say otherwise. */
const DEFAULTS = { dataDir: '/var/lib/tsflannel/etcd', runDir: '/run/tsflannel', configDir: '/etc/tsflannel' } as const;

/** Folders and prefix belong to the equivalent command line where they differ from the defaults. */
function pathFlags(options: InitOptions): readonly string[] {
  const { dataDir, runDir, configDir } = options;
  return [
    ...(dataDir === DEFAULTS.dataDir ? [] : ['--data-dir', dataDir]),
    ...(runDir === DEFAULTS.runDir ? [] : ['--run-dir', runDir]),
    ...(options.prefix === undefined ? [] : ['--etcd-prefix', options.prefix]),
    ...(configDir === DEFAULTS.configDir ? [] : ['--config-dir', configDir]),
  ];
}

/** The line that does the same without a question; `undefined` for a member that was there. */
export function equivalentLine(settled: Settled, options: InitOptions): string | undefined {
  if (!settled.wish) return undefined;
  const { name, ip, clientPort, peerPort, joinPort = JOIN_PORT } = settled.member;
  const security = settled.security ?? { kind: 'insecure' };
  const network = settled.network === undefined ? [] : ['--network', settled.network];
  const size = settled.wish.kind === 'alone' && settled.size !== undefined ? ['--size', String(settled.size)] : [];
  const systemd = settled.member.systemd ? ['--systemd'] : [];
  const etcd = settled.member.etcd === undefined ? [] : ['--etcd-binary', settled.member.etcd];
  return commandLine(settled.wish, { name, ip, clientPort, peerPort, joinPort, security }, [
    ...size,
    ...systemd,
    ...etcd,
    ...network,
    ...pathFlags(options),
  ]);
}

/** What is about to be done: everything that can be checked is checked, nothing is changed. */
async function planOf(settled: Settled, options: InitOptions) {
  const { member, size } = settled;
  const warnings = await preflight(settled, options);
  const { args, env } = etcdCommand(member, process.arch);
  const program = findEtcd(options.path, member.etcd);
  const version = await checkEtcd(program);
  const discovery = ownDiscovery(version);
  const argv = [program, ...args];
  const { dataDir } = member;
  const pki = member.pki === undefined ? [] : [`${member.pki}/`];
  const unit = member.systemd ? [UNIT_FILE] : [];
  const own = [...pki, memberFile(dataDir), logFile(dataDir), pidFile(options.runDir), ...unit];
  const files = [...own, clientConfigPath(options.configDir)];
  const lines = [
    ...argv.map((arg, index) => (index === 0 ? `  ${arg}` : `    ${arg}`)),
    'with the environment:',
    ...Object.entries(env).map(([name, value]) => `  ${name}=${value}`),
    `which is etcd ${version}: of discovery it knows ${discovery.join(' and ')} by itself; tsflannel speaks v2, v3 and srv for it`,
    `run by ${member.systemd ? 'systemd, at each boot too' : 'a background process that starts it again when it ends'}`,
    ...(member.pki === undefined ? [] : ['with TLS on all ports; who has no certificate of its CA is refused']),
    `in ${dataDir}, which ${settled.existing ? 'has the data of this member' : 'is empty'}`,
    'and write:',
    ...[`${dataDir}/`, ...files].map((file) => `  ${file}`),
    ...(settled.network === undefined ? [] : [`  the network config ${settled.network} into etcd`]),
    ...(size !== undefined && size > 1 ? [`and print ${size - 1} join lines for the other hosts`] : []),
  ];
  return { data: { argv, env, etcd: { version, discovery }, dataDir, files, warnings }, lines, warnings };
}

/** Shows the plan to who was asked for it, and goes on with a yes only. Rejects with ABORTED. */
export async function confirmPlan(settled: Settled, options: InitOptions): Promise<void> {
  const { lines, warnings } = await planOf(settled, options);
  const plan = [`${settled.member.name} will start:`, ...lines, ...warnings.map((warning) => `warning: ${warning}`)];
  options.notice(plan.join('\n'));
  const ask = await options.ask?.();
  if (!(await ask?.confirm('Do this?', true))) throw new TsflannelError('ABORTED');
}

/** What `init` would do, for `--dry-run`. */
export async function preview(
  settled: Settled,
  options: InitOptions,
): Promise<{ readonly data: Record<string, unknown>; readonly text: string }> {
  const { member } = settled;
  const { supervisor } = await inspectProcesses(options.runDir);
  if (supervisor !== undefined)
    return { data: { dryRun: true, running: true }, text: `${member.name} runs already: nothing would be started` };
  const { data, lines, warnings } = await planOf(settled, options);
  for (const warning of warnings) options.notice(`warning: ${warning}`);
  const would = settled.existing ? 'would start again from its data dir' : 'would start';
  const head = `${member.name} ${would} (dry run, nothing was changed):`;
  return { data: { dryRun: true, ...data }, text: [head, ...lines].join('\n') };
}
