/** One process of bench/store.ts: loads the client that argv names, reads one key from the endpoint, prints what it took. */
import { openKv } from '../src/host/kv.ts';

const [, , client = '', endpoint = ''] = process.argv;
const begun = performance.now();
const kv = await openKv({ endpoints: [endpoint], timeoutMs: 5_000 }, client);
const loaded = performance.now();
await kv.range('/bench/', { limit: 1 });
const read = performance.now();
kv.close();
const rss = process.memoryUsage().rss / 2 ** 20;
console.log(JSON.stringify({ loadMs: loaded - begun, readMs: read - loaded, rss }));
