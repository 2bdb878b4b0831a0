import { FLAG, type Job, type Results, type Work } from './job.ts';
import { prepareEcho, prepareRoundTrip } from './round-trip.ts';
import { prepareTcpReceive, prepareTcpSend } from './tcp.ts';
import { prepareUdpReceive, prepareUdpSend } from './udp.ts';

function prepare(job: Job): Work<keyof Results> {
  switch (job.kind) {
    case 'tcp-send':
      return prepareTcpSend(job);
    case 'tcp-receive':
      return prepareTcpReceive(job);
    case 'udp-send':
      return prepareUdpSend(job);
    case 'udp-receive':
      return prepareUdpReceive(job);
    case 'echo':
      return prepareEcho(job);
    case 'round-trip':
      return prepareRoundTrip(job);
  }
}

/** Prepares the job; the function it returns waits for `go` and does it. */
export function prepareJob(job: Job): () => unknown {
  const flags = new Int32Array(job.flags);
  const work = prepare(job);
  return () => {
    Atomics.wait(flags, FLAG.go, 0);
    return work(() => Atomics.load(flags, FLAG.stop) !== 0);
  };
}
