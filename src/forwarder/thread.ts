import { Worker } from 'node:worker_threads';
import { entryFile } from '../root.ts';

/** A worker thread of the carrier, without work yet; `gone` resolves with why when it has ended. */
export interface Thread {
  readonly worker: Worker;
  readonly gone: Promise<string>;
}

export function startThread(): Thread {
  const worker = new Worker(entryFile('forwarder/worker-entry'), { name: 'forwarder' });
  let why = 'its thread ended';
  // Without a listener an error in the worker would end the daemon; what matters is the exit that follows.
  worker.on('error', (error) => {
    why = String(error);
  });
  return { worker, gone: new Promise((resolve) => worker.once('exit', () => resolve(why))) };
}

/** A thread that is started before anybody can say what it will carry. */
export interface Spare {
  /** This one the first time, new ones after. */
  readonly take: () => Thread;
  /** Ends it if nobody took it. */
  readonly end: () => void;
}

export function spareThread(): Spare {
  let spare: Thread | undefined = startThread();
  spare.worker.unref();
  return {
    take() {
      const thread = spare ?? startThread();
      spare = undefined;
      thread.worker.ref();
      return thread;
    },
    end() {
      void spare?.worker.terminate();
      spare = undefined;
    },
  };
}
