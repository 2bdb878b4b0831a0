import { asTsflannelError } from '../errors.ts';
import type { DockerReport, DockerRow } from '../model/report.ts';
import { worstOf } from '../model/report.ts';
import type { SubnetEnv } from '../model/subnet-env.ts';
import {
  compareBridge,
  compareDocker0,
  compareLease,
  compareNetworks,
  compareOptions,
  compareRules,
  type LeaseFacts,
} from './compare.ts';
import { directDropRules } from './direct-routing.ts';
import { type DockerParts, type DockerPlace, type Gathered, gather } from './gather.ts';
import type { Journal } from './journal.ts';
import { userNetworks } from './networks.ts';
import { type DockerOptions, narrowed, optionsOf, readSubnetEnv } from './options.ts';
import { runTool } from './run.ts';

export interface DockerStatusRequest extends DockerPlace {
  readonly subnetFile: string;
  /** `undefined`: no daemon answers. */
  readonly lease: LeaseFacts | undefined;
}

type StatusParts = Pick<DockerParts, 'bridge' | 'signal' | 'run'>;

/** What keeps something from being compared, as a row of its own. */
function failure(what: string, error: unknown, state: DockerRow['state']): DockerRow {
  const { message, why, fix } = asTsflannelError(error);
  return { what, state, expected: '', found: `${message}: ${why}`, fix };
}

const STOPPED: DockerRow = {
  what: 'dockerd',
  state: 'down',
  expected: 'running',
  found: 'not running',
  fix: ['tsflannel docker apply'],
};

/** A run that was killed half-way and not ended by another yet. */
const brokenOff = (journal: Journal | undefined): DockerRow[] =>
  journal?.stopped === undefined
    ? []
    : [
        {
          ...{ what: 'last change', state: 'degraded', expected: 'ended', found: 'broken off half-way' },
          fix: ['tsflannel docker apply', 'tsflannel docker revert'],
        },
      ];

/** Everything that only a running dockerd tells. */
async function running(
  gathered: Gathered,
  { env, options }: { readonly env: SubnetEnv; readonly options: DockerOptions },
  parts: StatusParts,
): Promise<DockerRow[]> {
  const { facts, api, version, service } = gathered;
  const [mtu, networks, rules] = await Promise.all([
    parts.bridge.mtu(),
    userNetworks(api.socket),
    directDropRules(parts.run ?? runTool()),
  ]);
  return [
    { what: 'dockerd', state: 'ok', expected: '', found: `${version}, ${service.label}` },
    compareBridge(facts, options),
    ...compareDocker0(facts, mtu, options),
    ...compareRules(rules, version, env),
    ...compareNetworks(networks, env),
  ];
}

async function dockerRows(request: DockerStatusRequest, env: SubnetEnv, parts: StatusParts): Promise<DockerRow[]> {
  const gathered = await gather(request, parts);
  try {
    const { facts, info, journal } = gathered;
    const length = journal?.wish?.docker0Length;
    const bip = narrowed(env, length !== undefined && length >= env.subnet.length ? length : undefined);
    const options = optionsOf(bip, facts.directRouting);
    const rest = info ? await running(gathered, { env, options }, parts) : [STOPPED];
    return [...compareOptions(facts, options), ...brokenOff(journal), ...rest];
  } finally {
    gathered.service.close();
  }
}

/** The lease, subnet.env, dockerd's options, the dockerd that runs, docker0 and the networks, each beside what it should be. */
export async function dockerStatus(request: DockerStatusRequest, parts: StatusParts): Promise<DockerReport> {
  const rows: DockerRow[] = [];
  try {
    const env = await readSubnetEnv(request.subnetFile);
    rows.push(...compareLease(request.lease, env));
    rows.push(...(await dockerRows(request, env, parts).catch((error) => [failure('dockerd', error, 'down')])));
  } catch (error) {
    rows.push(failure('subnet.env', error, 'down'));
  }
  return { state: worstOf(rows), rows };
}
