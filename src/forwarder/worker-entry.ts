/** The worker thread of the carrier: is told what to do once its files are open, says when it is ready, then moves packets until its end. */
import { parentPort } from 'node:worker_threads';
import type { Job } from './job.ts';
import { prepareWorker } from './worker.ts';

parentPort?.once('message', (job: Job) => {
  const run = prepareWorker(job);
  parentPort?.postMessage('ready');
  parentPort?.postMessage(run());
});
