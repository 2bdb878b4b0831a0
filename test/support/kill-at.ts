/**
 * Loaded into tsflannel before it starts (`node --import`): kills it with -9 at its KILL_AT-th step. Steps are the moments between the
 * changes of `docker apply` and `revert`: before a file is put in place or removed, after dockerd was told to end, before and after one
 * is started.
 */
import child from 'node:child_process';
import { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env.KILL_AT);
const kill = process.kill.bind(process);
let steps = 0;

function step(): void {
  steps += 1;
  if (steps === at) kill(process.pid, 'SIGKILL');
}

const { rename, rm } = promises;
promises.rename = async (from, to) => {
  step();
  await rename(from, to);
};
promises.rm = async (path, options) => {
  if (String(path).endsWith('.json')) step();
  await rm(path, options);
};

process.kill = (pid, signal) => {
  const killed = kill(pid, signal);
  if (signal === 'SIGTERM') step();
  return killed;
};

const { spawn } = child;
child.spawn = ((file: string, args: readonly string[], options: child.SpawnOptions) => {
  if (options.detached !== true) return spawn(file, args, options);
  step();
  const started = spawn(file, args, options);
  step();
  return started;
}) as typeof spawn;

syncBuiltinESMExports();
