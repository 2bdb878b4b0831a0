import { supervise } from './supervisor.ts';

/** Program started detached by {@link startSupervisor}: DATA_DIR RUN_DIR. */
const [dataDir, runDir] = process.argv.slice(2);
if (!dataDir || !runDir) {
  process.stderr.write('usage: supervisor-entry DATA_DIR RUN_DIR\n');
  process.exit(2);
}
process.exit(await supervise({ dataDir, runDir }));
