/** The worker thread of the carrier: says when it is ready, then moves packets until its end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Job } from './job.ts';
import { prepareWorker } from './worker.ts';

const run = prepareWorker(workerData as Job);
parentPort?.postMessage('ready');
parentPort?.postMessage(run());
