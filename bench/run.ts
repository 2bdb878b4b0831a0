/** Benchmarks: `npm run bench -- control [--runs N] [--only NAME,…]`; needs root. With FLANNELD=path a real flanneld is measured too. */
import { parseArgs } from 'node:util';
import { control } from './control/control.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
});

if (positionals[0] !== 'control') {
  console.error('usage: npm run bench -- control [--runs N] [--only start,peer,many,idle,restart]');
  process.exitCode = 2;
} else {
  await control(Number(values.runs), values.only === '' ? [] : values.only.split(','));
}
