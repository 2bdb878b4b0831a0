/**
 * Simulates many clusters, a process a thousand. A seed that fails prints its trace and is kept in test/sim/seeds.txt, which CI tries for ever.
 * Usage: npm run sim -- [--seeds 10000] [--first 1]
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PART = 1000;

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, first: { type: 'string', default: '1' } },
});
const [first, seeds] = [Number(values.first), Number(values.seeds)];
if (!(first >= 0 && seeds > 0)) throw new Error('--seeds and --first are numbers');

let failed = 0;
for (let done = 0; done < seeds; done += PART) {
  const env = {
    ...process.env,
    TSFLANNEL_SIM_FIRST: String(first + done),
    TSFLANNEL_SIM_SEEDS: String(Math.min(PART, seeds - done)),
    TSFLANNEL_SIM_KEEP: '1',
  };
  const argv = [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'dot', 'test/sim/simulation.test.ts'];
  if (spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit', env }).status !== 0) failed++;
}
console.log(failed === 0 ? `${seeds} seeds, no failure` : `failures in ${failed} parts; see test/sim/seeds.txt`);
process.exitCode = failed === 0 ? 0 : 1;
