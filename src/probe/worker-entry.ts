/** A thread of a measurement: says when it is ready, waits for `go`, does its job and hands back what it found out. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Job, WorkerMessage } from './job.ts';
import { prepareJob } from './worker.ts';

const say = (message: WorkerMessage): void => parentPort?.postMessage(message);

try {
  const run = prepareJob(workerData as Job);
  say('ready');
  say({ result: run() });
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
}
