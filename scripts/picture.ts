/**
 * Records the commands of SCENES on a terminal, in a lab of this machine, and draws docs/terminal.svg from docs/terminal.cast.
 * Usage, as root: npm run picture [-- --draw]; with --draw the recording that is there is drawn again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { openTerminal } from '../test/support/pty.ts';
import { type Cast, linesOf, parseCast, printCast, promptOf } from './picture/cast.ts';
import { svgOf } from './picture/svg.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const RECORDING = join(root, 'docs', 'terminal.cast');
export const PICTURE = join(root, 'docs', 'terminal.svg');

const SIZE = { columns: 124, rows: 17 };

interface Scene {
  readonly command: string;
  /** For a program that stays: the key that ends it, and what it shows before. */
  readonly leave?: { readonly key: string; readonly after: RegExp };
}

/** What is typed, in order. */
export const SCENES: readonly Scene[] = [
  { command: 'tsflannel lab up' },
  { command: 'tsflannel lab exec n1 -- tsflannel routes' },
  { command: 'tsflannel lab exec n1 -- tsflannel top', leave: { key: 'q', after: /EVENTS/ } },
  { command: 'tsflannel lab exec n1 -- tsflannel status' },
];

const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH}` };

/** Round trips and rates are there after some seconds. */
const SETTLE_MS = 6_000;

async function play({ command, leave }: Scene): Promise<string> {
  const terminal = openTerminal(command.split(' '), { env, ...SIZE });
  if (leave) {
    await terminal.shows(leave.after);
    await sleep(SETTLE_MS);
    terminal.type(leave.key);
  }
  const exit = await terminal.ended(120_000);
  if (exit !== 0) throw new Error(`${command}: exit ${exit}\n${terminal.screen()}`);
  return terminal.output();
}

async function record(): Promise<Cast> {
  const started = performance.now();
  const output: [number, string][] = [];
  const wrote = (text: string) => output.push([(performance.now() - started) / 1000, text]);
  try {
    for (const scene of SCENES) {
      wrote(promptOf(scene.command));
      wrote(await play(scene));
      wrote('\r\n');
      await sleep(SETTLE_MS);
    }
  } finally {
    await execa('tsflannel', ['lab', 'down'], { env });
  }
  return { width: SIZE.columns, height: SIZE.rows, output };
}

/** The picture of a recording. */
export const pictureOf = (cast: Cast): string =>
  svgOf(linesOf(cast), `A terminal: ${SCENES.map(({ command }) => command).join(', ')}`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--draw')) writeFileSync(RECORDING, printCast(await record()));
  writeFileSync(PICTURE, pictureOf(parseCast(readFileSync(RECORDING, 'utf8'))));
  console.log(`${RECORDING}, ${PICTURE}`);
}
