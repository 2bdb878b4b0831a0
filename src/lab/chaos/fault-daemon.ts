import type { Fault } from './chaos.ts';
import type { Backend } from './stage.ts';

/** Rows about the daemon's own process. On a user-space path nothing is forwarded while it is away. */

/** By the kernel's path nothing is lost; by udp's, as long as a new process needs to take over. */
export const nothing = (backend: Backend) => (backend === 'udp' ? 1_000 : 0);

const kills: Fault = {
  row: 1,
  name: 'daemon-killed',
  about: 'kill -9 of a daemon at a random moment, started again at once: 100 times (5 in short), on the nodes in turn',
  budget: (backend) => ({ gapMs: nothing(backend), healMs: 1_000 }),
  async run({ short, random, lab, kill, start, pause }) {
    const count = short ? 5 : 100;
    for (let i = 0; i < count; i++) {
      const number = 1 + (i % lab.nodes.length);
      await pause(random() * 200);
      await kill(number);
      await start(number);
    }
  },
};

const sigterm: Fault = {
  row: 3,
  name: 'daemon-stopped',
  about: 'SIGTERM, two seconds without a daemon, start',
  budget: (backend) => ({ gapMs: backend === 'udp' ? 3_500 : 0, healMs: 1_000 }),
  hits: [4],
  async run({ kill, start, pause }) {
    await kill(4, 'SIGTERM');
    await pause(2_000);
    await start(4);
  },
};

export const DAEMON_FAULTS: readonly Fault[] = [kills, sigterm];
