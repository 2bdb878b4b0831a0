/** What a measurement that was broken off has left behind: namespaces with whatever still runs in them, and folders. */
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { deleteNamespace, listNamespaces } from '../src/kernel/linux/netns.ts';

/** Names of the grounds, with which the names of namespaces and folders begin: one measurement of a kind runs at a time. */
export const GROUNDS = { control: 'tsfb', data: 'tsfbd', memory: 'tsfbm' } as const;

async function endAllIn(namespace: string): Promise<void> {
  const { stdout } = await execa('ip', ['netns', 'pids', namespace]);
  for (const pid of stdout.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

/** Ends and removes all of that, of one kind of measurement: another kind may be running. */
export async function removeLeftovers(ground: (typeof GROUNDS)[keyof typeof GROUNDS]): Promise<void> {
  const ours = new RegExp(`^${ground}(u|\\d+c?)$`);
  for (const name of (await listNamespaces()).filter((one) => ours.test(one))) {
    process.stderr.write(`removing namespace ${name} of a measurement that was broken off\n`);
    await endAllIn(name);
    await deleteNamespace(name);
  }
  for (const name of (await readdir(tmpdir())).filter((one) => one.startsWith(`${ground}-`)))
    await rm(join(tmpdir(), name), { recursive: true, force: true });
}
