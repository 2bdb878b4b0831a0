import { clientConfigPath } from '../files/client-config.ts';
import { JOIN_PORT } from './choose.ts';
import { type InitOptions, preflight, type Settled } from './init.ts';
import { etcdCommand, logFile, memberFile, pidFile } from './member.ts';
import { inspectProcesses } from './process.ts';
import { findEtcd } from './program.ts';
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
    ...(options.systemd ? ['--systemd'] : []),
    ...(configDir === DEFAULTS.configDir ? [] : ['--config-dir', configDir]),
  ];
}

/** The line that does the same without a question; `undefined` for a member that was there. */
export function equivalentLine(settled: Settled, options: InitOptions): string | undefined {
  if (!settled.wish) return undefined;
  const { name, ip, clientPort, peerPort, joinPort = JOIN_PORT } = settled.member;
  const security = settled.security ?? { kind: 'insecure' };
  const network = settled.network === undefined ? [] : ['--network', settled.network];
  const size = settled.wish.kind === 'alone' && options.size !== undefined ? ['--size', String(options.size)] : [];
  return commandLine(settled.wish, { name, ip, clientPort, peerPort, joinPort, security }, [
    ...size,
    ...network,
    ...pathFlags(options),
  ]);
}

/** What `init` would do, for `--dry-run`: everything that can be checked is checked, nothing is changed. */
export async function preview(
  settled: Settled,
  options: InitOptions,
): Promise<{ readonly data: Record<string, unknown>; readonly text: string }> {
  const { member } = settled;
  const { supervisor } = await inspectProcesses(options.runDir);
  if (supervisor !== undefined)
    return { data: { dryRun: true, running: true }, text: `${member.name} runs already: nothing would be started` };
  const warnings = await preflight(settled, options);
  for (const warning of warnings) options.notice(`warning: ${warning}`);
  const { args, env } = etcdCommand(member, process.arch);
  const argv = [findEtcd(options.path), ...args];
  const { dataDir } = member;
  const pki = member.pki === undefined ? [] : [`${member.pki}/`];
  const files = [
    ...pki,
    memberFile(dataDir),
    logFile(dataDir),
    pidFile(options.runDir),
    clientConfigPath(options.configDir),
  ];
  const unit = member.systemd ? [UNIT_FILE] : [];
  const would = settled.existing ? 'would start again from its data dir' : 'would start';
  const lines = [
    `${member.name} ${would} (dry run, nothing was changed):`,
    ...argv.map((arg, index) => (index === 0 ? `  ${arg}` : `    ${arg}`)),
    'with the environment:',
    ...Object.entries(env).map(([name, value]) => `  ${name}=${value}`),
    'and write:',
    ...[`${dataDir}/`, ...files, ...unit].map((file) => `  ${file}`),
    ...(settled.network === undefined ? [] : [`  the network config ${settled.network} into etcd`]),
  ];
  return { data: { dryRun: true, argv, env, dataDir, files, warnings }, text: lines.join('\n') };
}
