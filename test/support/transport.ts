import assert from 'node:assert/strict';
import { TsflannelError } from '../../src/errors.ts';
import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import type { Kv, KvOptions } from '../../src/store/kv.ts';

const clients: Kv[] = [];

/** How long a call may take: long enough for a busy machine, short enough to be waited for. */
export const DEADLINE_MS = 5_000;

/** A client with a short deadline; {@link closeClients} closes it. */
export function open(endpoints: readonly string[], more: Partial<KvOptions> = {}): Kv {
  const kv = openGrpcKv({ endpoints, timeoutMs: DEADLINE_MS, ...more });
  clients.push(kv);
  return kv;
}
/** One unconditional write. */
export const put = (kv: Kv, key: string, value = 'v') => kv.txn([], [{ op: 'put', key, value }]);
/** Endpoint of a port on loopback. */
export const at = (port: number, host = '127.0.0.1'): string => `http://${host}:${port}`;

/** Runs into an error of this code; returns all of its text. */
export async function fails(work: Promise<unknown>, code: string): Promise<string> {
  let text = '';
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof TsflannelError, String(error));
    text = `${error.message}\n${error.why}\n${JSON.stringify(error)}\n${error.stack}`;
    assert.equal(error.code, code, text);
    return true;
  });
  assert.doesNotMatch(text, /canary/, 'a secret is in an error');
  return text;
}

/** What came of it, and how long it took. */
export async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now();
  return { value: await work, ms: performance.now() - begun };
}

/** The error a watch ends with. */
export const watchEnd = (kv: Kv, prefix: string): Promise<Error | undefined> =>
  new Promise((resolve) => kv.watchStream(prefix, 0n, () => undefined, resolve));

/** For `afterEach`. */
export function closeClients(): void {
  for (const client of clients.splice(0)) client.close();
}
