import chalk, { Chalk } from 'chalk';

/** https://no-color.org, of which chalk knows nothing (CLICOLOR=0 has become it: model/environment.ts); FORCE_COLOR is stronger. */
const isPlain = ({ NO_COLOR, FORCE_COLOR }: NodeJS.ProcessEnv): boolean =>
  (FORCE_COLOR ?? '') === '' && (NO_COLOR ?? '') !== '';

const painter = isPlain(process.env) ? new Chalk({ level: 0 }) : chalk;

/** Colour where stdout is a terminal and nobody objects (chalk heeds FORCE_COLOR, CI, TERM=dumb and pipes). */
export const paint = (color: 'green' | 'yellow' | 'red' | 'dim', text: string): string => painter[color](text);
