/**
 * Benchmarks; they need root. With FLANNELD=path a real flanneld is measured too.
 *   npm run bench -- control [--runs N] [--only start,peer,many,idle,restart]
 *   npm run bench -- data [--runs N] [--seconds N] [--now] [--write docs/benchmarks.md] [--only wire,veth,raw,vxlan,host-gw,…]
 *   npm run bench -- memory [--seconds 600]
 *   npm run bench -- cold [--runs N] [--write docs/benchmarks.md]
 * `data` waits up to ten minutes for an idle machine, unless told `--now`.
 */
import { parseArgs } from 'node:util';
import { GROUNDS, removeLeftovers } from './leftovers.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    now: { type: 'boolean', default: false },
    write: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
  },
});
const only = values.only === '' ? [] : values.only.split(',');
const runs = Number(values.runs);

if (positionals[0] === 'control') {
  const { control } = await import('./control/control.ts');
  await removeLeftovers(GROUNDS.control);
  await control(runs, only);
} else if (positionals[0] === 'data') {
  const { data } = await import('./data/data.ts');
  await removeLeftovers(GROUNDS.data);
  await data({ runs, seconds: Number(values.seconds), only, now: values.now, write: values.write });
} else if (positionals[0] === 'memory') {
  const { memory } = await import('./data/memory.ts');
  await removeLeftovers(GROUNDS.memory);
  await memory(Number(values.seconds));
} else if (positionals[0] === 'cold') {
  const { cold } = await import('./cold/run.ts');
  await cold(runs, values.write);
} else {
  console.error('usage: npm run bench -- control|data|memory|cold [--runs N] [--seconds N] [--only NAME,…]');
  process.exitCode = 2;
}
