/** A recording of a terminal (asciinema's cast, version 2) and what it shows: lines of runs of one style each. */
import { stripVTControlCharacters } from 'node:util';

export interface Cast {
  /** Columns of the terminal. */
  readonly width: number;
  readonly height: number;
  /** What was written to it, with seconds since the start. */
  readonly output: readonly (readonly [seconds: number, text: string])[];
}

export const COLORS = ['green', 'yellow', 'red', 'dim', 'bold', 'plain'] as const;
export type Color = (typeof COLORS)[number];

export interface Run {
  readonly color: Color;
  readonly text: string;
}

export function printCast({ width, height, output }: Cast): string {
  const head = { version: 2, width, height, env: { TERM: 'xterm' } };
  const lines = output.map(([seconds, text]) => [Number(seconds.toFixed(3)), 'o', text]);
  return [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
}

export function parseCast(text: string): Cast {
  const [head = '', ...lines] = text.trim().split('\n');
  const { width, height } = JSON.parse(head) as Cast;
  const events = lines.map((line) => JSON.parse(line) as [number, string, string]);
  return { width, height, output: events.map(([seconds, , data]) => [seconds, data]) };
}

/** Ends a frame of a program that takes the whole screen; see src/output/screen.ts. */
const FRAME_END = '\x1b[J';

/** What such a program showed last, without the empty lines it filled the screen with; the rest scrolls on as it is. */
function lastFrames(text: string): string {
  return text.replace(/\x1b\[\?1049h([\s\S]*?)\x1b\[\?1049l/g, (_, shown: string) => {
    const [frame = ''] =
      shown
        .split('\x1b[H')
        .findLast((one) => one.includes(FRAME_END))
        ?.split(FRAME_END) ?? [];
    return `${frame
      .replaceAll('\x1b[K', '')
      .replaceAll('\r', '')
      .replace(/\n{3,}/g, '\n\n')}\n`;
  });
}

const STYLES: Readonly<Record<string, Color>> = { '1': 'bold', '2': 'dim', '31': 'red', '32': 'green', '33': 'yellow' };

/** SGR is read, other control sequences move nothing on a line and are left out. */
function runsOf(line: string): readonly Run[] {
  let color: Color = 'plain';
  return line.split(/(\x1b\[[\d;]*m)/).flatMap((part) => {
    const style = /^\x1b\[([\d;]*)m$/.exec(part);
    if (style) {
      color = STYLES[style[1] ?? ''] ?? 'plain';
      return [];
    }
    const text = stripVTControlCharacters(part).replaceAll('\r', '');
    return text === '' ? [] : [{ color, text }];
  });
}

/** What was shown, from the first line to the last. */
export function linesOf({ output }: Cast): readonly (readonly Run[])[] {
  const text = lastFrames(output.map(([, data]) => data).join(''));
  return text.trimEnd().split('\n').map(runsOf);
}

/** How a command that is typed stands in a recording. */
export const promptOf = (command: string): string => `\x1b[1m$ ${command}\x1b[0m\r\n`;

/** The commands that were typed. */
export const typedIn = (cast: Cast): readonly string[] =>
  linesOf(cast).flatMap(([first]) =>
    first?.color === 'bold' && first.text.startsWith('$ ') ? [first.text.slice(2)] : [],
  );
