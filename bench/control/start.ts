/** From the start of the daemon, as a user types it, to subnet.env, in an empty cluster. */
import { statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { now } from '../stats.ts';
import { onStage, type Subject, unlessDead } from './ground.ts';

function appearance(path: string): Promise<number> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(path), () => {
      const at = now();
      if (!statSync(path, { throwIfNoEntry: false })) return;
      watcher.close();
      resolve(at);
    });
  });
}

/** Milliseconds. */
export const measureStart = (subject: Subject): Promise<number> =>
  onStage('vxlan', 1, async ({ host }) => {
    const written = appearance(host.subnetFile);
    const began = now();
    const daemon = subject.start(host);
    return (await unlessDead(daemon, written)) - began;
  });
