import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { TsflannelError } from '../errors.ts';
import type { Carrier } from '../kernel/state.ts';
import { baseOf, lastOf } from '../model/address.ts';
import { entryFile } from '../root.ts';
import { createSharedCounters } from './counters.ts';
import type { Job, Offloads } from './job.ts';
import type { Opened } from './open.ts';

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
const untilReady = (worker: Worker): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (why: unknown) =>
      reject(new TsflannelError('KERNEL_REFUSED', { detail: 'starting the forwarder', why: String(why) }));
    worker.once('message', () => resolve());
    worker.once('error', fail);
    worker.once('exit', () => fail('its thread ended'));
  });

/** Opens the carrier's files and starts its worker. Throws KERNEL_REFUSED or NOT_ROOT. */
export async function launch(carrier: Carrier, table: SharedArrayBuffer, wanted: Offloads): Promise<Run> {
  const { openCarrier, closeCarrier } = await import('./open.ts');
  const opened = await openCarrier(carrier, wanted);
  const { fds } = opened;
  const job = jobOf(carrier, opened, table);
  const worker = new Worker(entryFile('forwarder/worker-entry'), { name: 'forwarder', workerData: job });
  let over = false;
  const wake = (): void => {
    if (!over) writeSync(fds.wake, BigUint64Array.of(1n));
  };
  // A process cannot exit while a thread of it waits in a poll.
  process.on('exit', wake);
  // Without a listener an error in the worker would end the daemon; what matters is the exit that follows.
  worker.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      over = true;
      process.off('exit', wake);
      closeCarrier(fds);
      resolve();
    });
  });
  await untilReady(worker).catch(async (error) => {
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
