import { writeSync } from 'node:fs';
import { TsflannelError } from '../errors.ts';
import type { Carrier } from '../kernel/state.ts';
import { baseOf, lastOf } from '../model/address.ts';
import { createSharedCounters } from './counters.ts';
import type { Job, Offloads } from './job.ts';
import type { Opened } from './open.ts';
import type { Thread } from './thread.ts';

/** A worker with its open files. The daemon's thread owns the files: they are closed however the worker ends. */
export interface Run {
  readonly carrier: Carrier;
  readonly offloads: Offloads;
  readonly counters: SharedArrayBuffer;
  /** Ends the worker; resolves when its files are closed. */
  end(): Promise<void>;
  /** Resolves when the worker has ended, for whatever reason, and its files are closed. */
  readonly ended: Promise<void>;
}

function jobOf(carrier: Carrier, opened: Opened, table: SharedArrayBuffer): Job {
  const first = Number(carrier.subnet.address);
  return {
    ...opened,
    self: {
      first,
      last: Number(lastOf(carrier.subnet)),
      address: Number(baseOf(carrier.subnet).value),
      check: carrier.sourceCheck,
    },
    local: Number(carrier.local.value),
    table,
    counters: createSharedCounters(),
  };
}

/** Resolves when the worker moves packets; rejects when it ends before. */
async function untilReady({ worker, gone }: Thread): Promise<void> {
  const ready = new Promise<undefined>((resolve) => worker.once('message', () => resolve(undefined)));
  const why = await Promise.race([ready, gone]);
  if (why !== undefined) throw new TsflannelError('KERNEL_REFUSED', { detail: 'starting the forwarder', why });
}

/** Opens the files while the thread starts, which takes as long as all else together. */
async function openBeside({ worker }: Thread, carrier: Carrier, wanted: Offloads) {
  try {
    const { openCarrier, closeCarrier } = await import('./open.ts');
    return { opened: await openCarrier(carrier, wanted), closeCarrier };
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/** How a carrier is to run. */
export interface Manner {
  readonly offloads: Offloads;
  readonly thread: () => Thread;
}

/** Opens the carrier's files and puts a thread to work. Throws KERNEL_REFUSED or NOT_ROOT. */
export async function launch(carrier: Carrier, table: SharedArrayBuffer, manner: Manner): Promise<Run> {
  const thread = manner.thread();
  const { worker, gone } = thread;
  const { opened, closeCarrier } = await openBeside(thread, carrier, manner.offloads);
  const { fds } = opened;
  const job = jobOf(carrier, opened, table);
  let over = false;
  const wake = (): void => {
    if (!over) writeSync(fds.wake, BigUint64Array.of(1n));
  };
  // A process cannot exit while a thread of it waits in a poll.
  process.on('exit', wake);
  const ended = gone.then(() => {
    over = true;
    process.off('exit', wake);
    closeCarrier(fds);
  });
  worker.postMessage(job);
  await untilReady(thread).catch(async (error) => {
    await ended;
    throw error;
  });
  worker.unref();
  function end(): Promise<void> {
    worker.ref();
    wake();
    return ended;
  }
  return { carrier, offloads: job.offloads, counters: job.counters, end, ended };
}
