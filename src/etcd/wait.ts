import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type ErrorCode, errorOf, TsflannelError } from '../errors.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { lastWords } from './log.ts';
import { accessOf, localUrl, logFile, type Member } from './member.ts';
import { type ClusterStatus, type OpenKv, readCluster, whyNotHealthy } from './members.ts';
import { accepts } from './ports.ts';
import { inspectProcesses, type Processes } from './process.ts';

export interface WaitOptions {
  readonly open: OpenKv;
  readonly runDir: string;
  readonly seconds: number;
  /** A new cluster is complete when all its members have come; one that was healthy before may lack some. */
  readonly all: boolean;
  readonly onProgress: (line: string) => void;
}

/** What is seen at one look: the cluster, what is still missing, or why it never will be. */
type Look =
  | { readonly kind: 'ready'; readonly cluster: ClusterStatus }
  | { readonly kind: 'waiting'; readonly for: string; readonly cluster?: ClusterStatus };

const CALL_MS = 2000;
const ROUND_MS = 250;

const isCode = (code: string | undefined): code is ErrorCode => code !== undefined && Object.hasOwn(ERRORS, code);

/** Why the wait is in vain; `starts` is how often etcd had been started at the first look. */
function failureOf(member: Member, { state, supervisor }: Processes, starts: number): TsflannelError | undefined {
  const detail = state?.trouble ?? '';
  if (state?.phase === 'failed') {
    const code = isCode(state.code) ? state.code : 'ETCD_START';
    return errorOf(code, { detail, name: member.name, dir: member.dataDir });
  }
  const crashed = state?.phase === 'restarting' || (state?.starts ?? 0) > Math.max(1, starts);
  if (!crashed && supervisor !== undefined) return undefined;
  const log = logFile(member.dataDir);
  const what = detail || 'its supervisor is gone';
  return new TsflannelError('ETCD_START', { detail: `${what}; the log ${log} ends with\n        ${lastWords(log)}` });
}

const counted = (here: number, all: number, absent: readonly string[]): string =>
  `waiting for members ${here}/${all} (missing: ${absent.join(', ')})`;

/** Before there is a leader, etcd itself cannot say who is missing: the founders' peer ports do. */
async function missingFounders({ bootstrap }: Member): Promise<string | undefined> {
  if (bootstrap.kind === 'joined') return 'catching up with the cluster as a learner';
  const cluster = bootstrap.kind === 'alone' ? [] : (bootstrap.cluster ?? []);
  const up = await Promise.all(cluster.map(async ({ peerUrls: [url] }) => url !== undefined && (await accepts(url))));
  const absent = cluster.filter((_, index) => !up[index]).map(({ name }) => name);
  return absent.length === 0 ? undefined : counted(cluster.length - absent.length, cluster.length, absent);
}

function missing(cluster: ClusterStatus): string | undefined {
  const here = cluster.rows.filter((row) => row.status === 'healthy' || row.status === 'learner');
  if (here.length === cluster.rows.length) return undefined;
  const absent = cluster.rows.filter((row) => !here.includes(row)).map((row) => row.name || row.peerUrls.join(' '));
  return counted(here.length, cluster.rows.length, absent);
}

async function look(member: Member, options: WaitOptions, processes: Processes): Promise<Look> {
  const { state } = processes;
  if (state?.phase === 'discovering') {
    const trouble = state.trouble ? ` (${state.trouble})` : '';
    return {
      kind: 'waiting',
      for: `waiting for members ${state.found ?? 0}/${state.size ?? '?'} at the discovery URL${trouble}`,
    };
  }
  if (state?.phase === 'joining')
    return { kind: 'waiting', for: `joining: ${state.trouble ?? 'asking the join service'}` };
  if (state?.phase !== 'running') return { kind: 'waiting', for: 'starting etcd' };
  const kv = { ...accessOf(member), endpoints: [printEndpoint(localUrl(member))], timeoutMs: CALL_MS };
  const why = await whyNotHealthy(options.open, kv);
  if (why !== undefined) return { kind: 'waiting', for: (await missingFounders(member)) ?? 'waiting for a leader' };
  const cluster = await readCluster(options.open, kv);
  const lacking = options.all ? missing(cluster) : undefined;
  return lacking === undefined ? { kind: 'ready', cluster } : { kind: 'waiting', for: lacking, cluster };
}

/**
 * Waits until the member's cluster is healthy, reporting what it waits for whenever that changes. Rejects with ETCD_START when etcd ends,
 * with what the supervisor gave up over (DISCOVERY_…), and with ETCD_NOT_HEALTHY when the time is over; a majority is enough then.
 */
export async function waitHealthy(member: Member, options: WaitOptions): Promise<ClusterStatus> {
  const until = performance.now() + options.seconds * 1000;
  let said = '';
  const first = await inspectProcesses(options.runDir);
  for (;;) {
    const processes = await inspectProcesses(options.runDir);
    const failure = failureOf(member, processes, first.state?.starts ?? 0);
    if (failure) throw failure;
    const seen = await look(member, options, processes).catch(
      (): Look => ({ kind: 'waiting', for: 'waiting for etcd' }),
    );
    if (seen.kind === 'ready') return seen.cluster;
    if (seen.for !== said) options.onProgress(seen.for);
    said = seen.for;
    if (performance.now() > until) {
      if (seen.cluster) return seen.cluster;
      throw new TsflannelError('ETCD_NOT_HEALTHY', {
        seconds: options.seconds,
        detail: `${said}; it goes on in the background`,
      });
    }
    await sleep(ROUND_MS);
  }
}
