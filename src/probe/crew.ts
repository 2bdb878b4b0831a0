import { Worker } from 'node:worker_threads';
import { TsflannelError } from '../errors.ts';
import { entryFile } from '../root.ts';
import { FLAG, FLAGS_BYTES, type Job, type ResultOf, type WorkerMessage } from './job.ts';

/** The threads of one measurement on this side; all begin at once. */
export interface Crew<J extends Job = Job> {
  go(): void;
  /** Tells receivers that no more will be sent. */
  stop(): void;
  /** Resolves when all have ended; rejects (BENCH_FAILED) with what the first one of them complained about. */
  results(): Promise<readonly [ResultOf<J>, ...ResultOf<J>[]]>;
}

/** A job without what the crew itself adds. */
export type Task<J extends Job> = J extends Job ? Omit<J, 'flags'> : never;

const failed = (detail: string): TsflannelError => new TsflannelError('BENCH_FAILED', { detail });

function start(job: Job): { readonly ready: Promise<void>; readonly result: Promise<unknown> } {
  const worker = new Worker(entryFile('probe/worker-entry'), { name: job.kind, workerData: job });
  let say: (message: WorkerMessage) => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    say = () => resolve();
  });
  const result = new Promise<unknown>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      say(message);
      if (message === 'ready') return;
      if ('error' in message) reject(failed(message.error));
      else resolve(message.result);
    });
    worker.once('error', (error) => reject(failed(String(error))));
    worker.once('exit', () => reject(failed(`the thread ${job.kind} ended`)));
  });
  return { ready: Promise.race([ready, result.then(() => undefined)]), result };
}

/** Starts a thread for each task; resolves when their sockets are open. */
export async function startCrew<J extends Job>(tasks: readonly Task<J>[]): Promise<Crew<J>> {
  const flags = new SharedArrayBuffer(FLAGS_BYTES);
  const words = new Int32Array(flags);
  const raise = (flag: number): void => {
    Atomics.store(words, flag, 1);
    Atomics.notify(words, flag);
  };
  const threads = tasks.map((task) => start({ ...task, flags } as unknown as Job));
  const all = Promise.all(threads.map(({ result }) => result));
  // Whoever waits for the results hears of it; until then it must not end the process.
  all.catch(() => undefined);
  try {
    await Promise.all(threads.map(({ ready }) => ready));
  } catch (error) {
    raise(FLAG.stop);
    raise(FLAG.go);
    throw error;
  }
  return {
    go: () => raise(FLAG.go),
    stop: () => raise(FLAG.stop),
    results: () => all as Promise<unknown> as ReturnType<Crew<J>['results']>,
  };
}
