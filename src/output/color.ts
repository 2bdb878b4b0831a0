import chalk from 'chalk';

/** Colour where stdout is a terminal and nobody objects (chalk heeds NO_COLOR, FORCE_COLOR, TERM=dumb and pipes). */
export const paint = (color: 'green' | 'yellow' | 'red' | 'dim', text: string): string => chalk[color](text);
