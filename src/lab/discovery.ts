import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { TsflannelError } from '../errors.ts';
import { startBackground, until } from './background.ts';
import { type Lab, UNDERLAY } from './lab.ts';
import { inNamespace, markedEnvironment } from './node.ts';

/** The discovery service of the lab: the real one, on an etcd of its own, both in the underlay namespace. */

const SERVICE = `http://${UNDERLAY.gateway}:8087`;
const BACKING = 'http://127.0.0.1:2379';
/** Both are started at once; the service needs its etcd. */
const START_MS = 60_000;

/** Fetches one URL from inside a namespace and prints the body; sockets belong to the namespace of the process that opens them. */
const FETCH = `const answer = await fetch(process.argv[1]);
if (!answer.ok) throw new Error(String(answer.status));
process.stdout.write(await answer.text());`;

async function fetchIn(namespace: string, url: string): Promise<string> {
  const [program, ...rest] = inNamespace(namespace, [process.execPath, '--input-type=module', '--eval', FETCH, url]);
  return (await execa(program, rest, { timeout: 5000 })).stdout.trim();
}

/** Starts the service. Resolves to its base URL, as `init --new-discovery` takes it, and a URL for a cluster of `size`. */
export async function startDiscovery(lab: Lab, size: number): Promise<string> {
  const env = markedEnvironment(lab);
  const etcd = [
    'etcd',
    '--enable-v2',
    '--data-dir',
    join(lab.dir, 'discovery-etcd'),
    '--logger=zap',
    '--log-outputs=stderr',
  ];
  const urls = [
    '--listen-client-urls',
    BACKING,
    '--advertise-client-urls',
    BACKING,
    '--listen-peer-urls',
    'http://127.0.0.1:2380',
  ];
  const serve = ['discovery.etcd.io', '--addr', `${UNDERLAY.gateway}:8087`, '--etcd', BACKING, '--host', SERVICE];
  const log = join(lab.dir, 'discovery.log');
  startBackground(inNamespace(lab.underlay, [...etcd, ...urls]), env, join(lab.dir, 'discovery-etcd.log'));
  startBackground(inNamespace(lab.underlay, serve), env, log);
  const ask = async () => {
    if (!existsSync(lab.dir)) throw new TsflannelError('ABORTED'); // a `lab down` meanwhile
    const url = await fetchIn(lab.underlay, `${SERVICE}/new?size=${size}`);
    return url.startsWith(`${SERVICE}/`) ? url : undefined;
  };
  return until('the discovery service does not answer', ask, { timeoutMs: START_MS, log });
}
