import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { linesOf, parseCast, printCast, promptOf, typedIn } from '../../scripts/picture/cast.ts';
import { BACKGROUND, PALETTE, svgOf } from '../../scripts/picture/svg.ts';
import { PICTURE, pictureOf, RECORDING, SCENES } from '../../scripts/picture.ts';
import { packageRoot } from '../../src/root.ts';
import { commandOf, flagsIn } from '../support/program.ts';

/** Relative luminance of `#rrggbb`, by WCAG 2. */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const contrast = (a: string, b: string): number => {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
};

describe('docs/terminal.svg', () => {
  const cast = parseCast(readFileSync(RECORDING, 'utf8'));

  it('shows the recording, which is that of the commands of scripts/picture.ts', () => {
    assert.equal(readFileSync(PICTURE, 'utf8'), pictureOf(cast), 'run: node scripts/picture.ts --draw');
    assert.deepEqual(
      typedIn(cast),
      SCENES.map(({ command }) => command),
      'run, as root: npm run picture',
    );
    const texts = linesOf(cast).map((runs) => runs.map(({ text }) => text).join(''));
    for (const line of texts) assert.ok(line.length <= cast.width, line);
    assert.ok(texts.includes('ok: this node is well'));
  });

  it('is of commands that there are', () => {
    for (const line of SCENES.flatMap(({ command }) => command.split(' -- '))) {
      const command = commandOf(line.replace(/^tsflannel /, ''));
      assert.ok(command, line);
      for (const flag of flagsIn(line)) assert.ok(Object.hasOwn(command.flags, flag), line);
    }
  });

  it('stands in both READMEs', () => {
    for (const page of ['README.md', 'README.zh-CN.md'])
      assert.match(readFileSync(join(packageRoot(), page), 'utf8'), /!\[[^\]]+\]\(docs\/terminal\.svg\)/, page);
  });

  it('can be read on any page: by contrast, and as text', () => {
    for (const [name, color] of Object.entries(PALETTE)) assert.ok(contrast(color, BACKGROUND) >= 7, name);
    assert.match(readFileSync(PICTURE, 'utf8'), /role="img">\n<title>[^<]+<\/title>/);
  });
});

describe('a recording', () => {
  const screen = (text: string) => `\x1b[H${text}\x1b[K\x1b[J`;
  const output = [
    [0, promptOf('a -- b')],
    [
      0.5,
      `\x1b[?1049h\x1b[?25l${screen('first')}${screen('\x1b[32mlast\x1b[39m <&\x1b[K\r\r\n\r\n\r\n\r\nend')}\x1b[?25h\x1b[?1049l`,
    ],
    [1, 'after\r\n\r\n'],
  ] as const;
  const cast = { width: 80, height: 24, output };

  it('is read as it was written, and shows the last frame of what took the screen', () => {
    assert.deepEqual(parseCast(printCast(cast)), cast);
    assert.deepEqual(typedIn(cast), ['a -- b']);
    assert.deepEqual(linesOf(cast), [
      [{ color: 'bold', text: '$ a -- b' }],
      [
        { color: 'green', text: 'last' },
        { color: 'plain', text: ' <&' },
      ],
      [],
      [{ color: 'plain', text: 'end' }],
      [{ color: 'plain', text: 'after' }],
    ]);
  });

  it('is drawn with nothing that SVG would take for its own', () => {
    assert.match(svgOf(linesOf(cast), 'a < b'), /<title>a &lt; b<[\s\S]*class="plain">&lt;&amp;<\/text>/);
  });
});
