import type { DatagramJob, Work } from './job.ts';
import { createSockets } from './sockets.ts';

/** Bytes of a question; the first four are its number. */
const SIZE = 64;
const BUFFER = 2048;
/** The first ones wake what is asleep: caches, neighbours, the JIT. On a busy machine these may take all the time there is: no more than a part of it. */
const UNCOUNTED = 200;
const UNCOUNTED_PART = 0.25;
const MAX_SAMPLES = 2_000_000;
const GRACE_MS = 5000;

/** Sends back what comes, until it is told to stop. */
export function prepareEcho({ fd, ms }: DatagramJob<'echo'>): Work<'echo'> {
  const { io, memory } = createSockets(BUFFER);
  const at = memory.base + memory.reserve(BUFFER);
  return (isStopped) => {
    const end = performance.now() + ms + GRACE_MS;
    let answered = 0;
    while (performance.now() < end) {
      const length = io.read(fd, at, BUFFER);
      if (length > 0 && io.sendto(fd, at, length, 0, 0, 0) === length) answered++;
      else if (isStopped()) break;
    }
    return { answered };
  };
}

/** One question at a time for its time: how long each took until its answer was here, in microseconds. */
export function prepareRoundTrip({ fd, ms }: DatagramJob<'round-trip'>): Work<'round-trip'> {
  const { io, memory } = createSockets(BUFFER);
  const at = memory.reserve(BUFFER);
  const address = memory.base + at;
  const times = new Float64Array(MAX_SAMPLES);
  /** Whether the answer to this question came; older answers that are late are read over. */
  const heard = (number: number): boolean => {
    for (;;) {
      if (io.read(fd, address, BUFFER) < 0) return false;
      if (memory.view.getUint32(at, true) === number) return true;
    }
  };
  return (isStopped) => {
    const [end, counted] = [ms, ms * UNCOUNTED_PART].map((part) => performance.now() + part) as [number, number];
    let [asked, count, unanswered] = [0, 0, 0];
    for (let now = 0; now < end && count < MAX_SAMPLES && !isStopped(); ) {
      memory.view.setUint32(at, ++asked, true);
      const began = performance.now();
      io.sendto(fd, address, SIZE, 0, 0, 0);
      const answered = heard(asked);
      now = performance.now();
      if (asked <= UNCOUNTED && now < counted) continue;
      if (answered) times[count++] = (now - began) * 1000;
      else unanswered++;
    }
    return { times: times.slice(0, count), unanswered };
  };
}
