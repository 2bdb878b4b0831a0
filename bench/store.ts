/**
 * What the etcd client costs: loading it, the first read, an event's way, 5,000 leases. Our transport beside the etcd3 package, bundled as
 * the product is, interleaved, medians. Usage: node bench/store.ts (needs etcd and etcdctl)
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { openGrpcKv } from '../src/store/etcd/kv.ts';
import { openEtcd3Kv } from '../src/store/etcd3/kv.ts';
import type { Kv } from '../src/store/kv.ts';
import { createView } from '../src/store/view.ts';
import { startEtcd } from '../test/support/etcd.ts';

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PREFIX = '/coreos.com/network';
const LEASES = 5_000;
const ROUNDS = 11;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const column = (values: readonly number[]): string => median(values).toFixed(1).padStart(8);

const show = (label: string, ours: readonly number[], theirs: readonly number[]): void =>
  console.log(`${label.padEnd(34)} ${column(ours)} ${column(theirs)}`);

interface Sample {
  readonly loadMs: number;
  readonly readMs: number;
  readonly rss: number;
}

async function bundle(): Promise<string> {
  // Inside the project, so that what is not bundled (etcd3) is found.
  await mkdir(join(root, '.cache'), { recursive: true });
  const outdir = await mkdtemp(join(root, '.cache', 'bench-'));
  await build({
    absWorkingDir: root,
    entryPoints: ['bench/store-child.ts'],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    external: ['etcd3'],
    banner: { js: "import { createRequire as cr } from 'node:module'; const require = cr(import.meta.url);" },
  });
  return outdir;
}

/** A process for each sample; the compile cache is warm, as on a machine where tsflannel has run before. */
async function coldStart(endpoint: string): Promise<void> {
  const dir = await bundle();
  const env = { ...process.env, NODE_COMPILE_CACHE: join(dir, 'cache') };
  const samples = { transport: [] as Sample[], etcd3: [] as Sample[] };
  for (let round = -2; round < ROUNDS; round++)
    for (const client of ['transport', 'etcd3'] as const) {
      const { stdout } = await run(process.execPath, [join(dir, 'store-child.js'), client, endpoint], { env });
      if (round >= 0) samples[client].push(JSON.parse(stdout) as Sample);
    }
  const both = (label: string, key: keyof Sample): void =>
    show(
      label,
      samples.transport.map((sample) => sample[key]),
      samples.etcd3.map((sample) => sample[key]),
    );
  both('loading the client, ms', 'loadMs');
  both('connecting and one read, ms', 'readMs');
  both('memory of that process, MiB', 'rss');
  await rm(dir, { recursive: true, force: true });
}

/** Milliseconds from the put of one client to the event at another one of the same kind. */
async function eventWay(open: () => Kv): Promise<number[]> {
  const [writer, reader] = [open(), open()];
  const waits: number[] = [];
  let arrived = Promise.withResolvers<void>();
  const created = Promise.withResolvers<void>();
  const onFrame = (frame: { created: boolean; events: readonly unknown[] }): void => {
    if (frame.created) created.resolve();
    if (frame.events.length > 0) arrived.resolve();
  };
  reader.watchStream('/bench/', 0n, onFrame, () => undefined);
  await created.promise;
  for (let i = 0; i < 220; i++) {
    arrived = Promise.withResolvers();
    const begun = performance.now();
    const put = writer.txn([], [{ op: 'put', key: '/bench/k', value: String(i) }]);
    await arrived.promise;
    if (i >= 20) waits.push(performance.now() - begun);
    await put;
  }
  writer.close();
  reader.close();
  return waits;
}

function leaseAt(i: number): { readonly key: string; readonly value: string } {
  const [high, low] = [i >> 8, i & 255];
  const mac = `0e:00:00:00:${high.toString(16).padStart(2, '0')}:${low.toString(16).padStart(2, '0')}`;
  const data = { BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: mac } };
  return {
    key: `${PREFIX}/subnets/10.${64 + high}.${low}.0-24`,
    value: JSON.stringify({ PublicIP: `172.16.${high}.${low}`, PublicIPv6: null, ...data }),
  };
}

async function writeLeases(kv: Kv): Promise<void> {
  const config = '{"Network":"10.0.0.0/8","Backend":{"Type":"vxlan"}}';
  await kv.txn([], [{ op: 'put', key: `${PREFIX}/config`, value: config }]);
  const lease = await kv.grant(3_600);
  for (let i = 0; i < LEASES; i += 100) {
    const some = Array.from({ length: 100 }, (_, j) => leaseAt(i + j));
    await kv.txn(
      [],
      some.map((each) => ({ op: 'put', lease, ...each })),
    );
  }
}

interface Fold {
  readonly listMs: number;
  readonly foldMs: number;
  readonly changeUs: number;
}

async function listAndFold(kv: Kv): Promise<Fold> {
  const begun = performance.now();
  const { kvs } = await kv.range(`${PREFIX}/`);
  const listed = performance.now();
  const view = createView(PREFIX);
  view.reset(kvs);
  const folded = performance.now();
  if (view.leases().size !== LEASES) throw new Error(`${view.leases().size} leases`);
  const last = kvs.at(-1);
  for (let i = 0; i < 100; i++) if (last) view.set(last.key, { ...last, modRevision: BigInt(i) });
  return { listMs: listed - begun, foldMs: folded - listed, changeUs: (performance.now() - folded) * 10 };
}

const etcd = await startEtcd();
const options = { endpoints: [etcd.endpoint], timeoutMs: 5_000 };
const [ours, theirs] = [openGrpcKv(options), openEtcd3Kv(options)];
try {
  console.log(`${''.padEnd(34)} ${'ours'.padStart(8)} ${'etcd3'.padStart(8)}`);
  await coldStart(etcd.endpoint);
  const way = [await eventWay(() => openGrpcKv(options)), await eventWay(() => openEtcd3Kv(options))] as const;
  show('a put to its event elsewhere, ms', ...way);
  await writeLeases(ours);
  const folds = { ours: [] as Fold[], theirs: [] as Fold[] };
  const first = await listAndFold(ours);
  for (let round = 0; round < ROUNDS; round++) {
    folds.ours.push(await listAndFold(ours));
    folds.theirs.push(await listAndFold(theirs));
  }
  const both = (label: string, key: keyof Fold): void =>
    show(
      label,
      folds.ours.map((fold) => fold[key]),
      folds.theirs.map((fold) => fold[key]),
    );
  both(`list of ${LEASES} leases, ms`, 'listMs');
  both('parsing and folding them, ms', 'foldMs');
  both('one change among them, µs', 'changeUs');
  console.log(`the first time, cold: list ${first.listMs.toFixed(1)} ms, fold ${first.foldMs.toFixed(1)} ms`);
} finally {
  ours.close();
  theirs.close();
  await etcd.close();
}
