/** Draws what a terminal showed. The picture brings its own background, so that it reads alike on a light page and on a dark one. */
import type { Color, Run } from './cast.ts';

export const BACKGROUND = '#10161d';
/** Every colour has a contrast of at least 7 to the background (WCAG AAA); a test checks it. */
export const PALETTE: Readonly<Record<Color, string>> = {
  ...{ plain: '#d8dee6', bold: '#ffffff', dim: '#a3adb8' },
  ...{ green: '#6fd98b', yellow: '#f0c550', red: '#ff9d96' },
};

const [SIZE, CELL, LINE, MARGIN] = [14, 8.4, 19, 18];

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Words keep their column in whatever font there is: each begins where the terminal had it, and is as wide. */
function words({ color, text }: Run, column: number, y: number): string[] {
  return [...text.matchAll(/\S+(?: \S+)*/g)].map(({ 0: word, index }) => {
    const [x, width] = [MARGIN + (column + index) * CELL, word.length * CELL].map((value) => value.toFixed(1));
    return `<text x="${x}" y="${y}" textLength="${width}" class="${color}">${escaped(word)}</text>`;
  });
}

function drawn(runs: readonly Run[], row: number): string[] {
  let column = 0;
  return runs.flatMap((run) => {
    const from = column;
    column += run.text.length;
    return words(run, from, MARGIN + row * LINE + SIZE);
  });
}

/** The picture of these lines; `title` is read aloud by who cannot see it. */
export function svgOf(lines: readonly (readonly Run[])[], title: string): string {
  const columns = Math.max(...lines.map((runs) => runs.reduce((sum, { text }) => sum + text.length, 0)));
  const [width, height] = [Math.ceil(columns * CELL) + 2 * MARGIN, lines.length * LINE + 2 * MARGIN];
  const rules = Object.entries(PALETTE).map(([name, color]) => `.${name}{fill:${color}}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:${SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}${rules.join('')}.bold{font-weight:700}</style>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${BACKGROUND}" stroke="#5b6673"/>`,
    ...lines.flatMap(drawn),
    '</svg>',
    '',
  ].join('\n');
}
