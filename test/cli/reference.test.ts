import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { commandMan, manPages, roff } from '../../scripts/man.ts';
import { COMMANDS_PAGE, commandPages, commandsPage } from '../../scripts/reference.ts';
import { packageRoot } from '../../src/root.ts';
import { commands } from '../support/program.ts';

const manifest = readFileSync(join(packageRoot(), 'oclif.manifest.json'), 'utf8');
const pages = commandPages(manifest);
const man = join(packageRoot(), 'man');

/** What a terminal shows of escaped text. */
const shown = (text: string): string =>
  text
    .replace(/^\\&/, '')
    .replace(/\\\[u([0-9A-F]{4,6})\]/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/\\\((aq|ga|ha|ti|dq)/g, (_, name: 'aq') => ({ aq: "'", ga: '`', ha: '^', ti: '~', dq: '"' })[name])
    .replaceAll('\\-', '-')
    .replace(/\\f[BIR]/g, '')
    .replaceAll('\\e', '\\');

describe('docs/commands.md', () => {
  it('is what the manifest says', () => {
    assert.equal(readFileSync(COMMANDS_PAGE, 'utf8'), commandsPage(pages), 'run: npm run build');
  });

  it('has every command, flag and example', () => {
    const text = commandsPage(pages).replaceAll('\\|', '|').replaceAll('&lt;', '<');
    for (const { id, flags, examples } of commands) {
      const start = text.indexOf(`\n## tsflannel ${id}\n`);
      assert.ok(start > 0, id);
      const section = text.slice(start, text.indexOf('\n## ', start + 5) + 1 || undefined);
      for (const { name } of Object.values(flags)) assert.ok(section.includes(name), `${id} --${name}`);
      for (const line of examples) assert.ok(section.includes(line.replaceAll('<%= config.bin %>', 'tsflannel')), line);
    }
  });
});

describe('the man pages', () => {
  it('are built for the program and for each command, and no other', () => {
    const made = new Map(manPages(manifest));
    assert.deepEqual(readdirSync(man).sort(), [...made.keys()].sort());
    assert.equal(made.size, commands.length + 1);
    for (const [file, text] of made) assert.equal(readFileSync(join(man, file), 'utf8'), text, 'run: npm run build');
  });

  it('hold no request but ours, no bare dash and nothing but ASCII', () => {
    for (const [file, text] of manPages(manifest)) {
      for (const line of text.split('\n').filter((one) => !/^\.(TH|SH|TP|PP|br|nf|fi|RS 4|RE)( |$)/.test(one))) {
        assert.doesNotMatch(line, /^[.']|[^\x20-\x7e]/, file);
        assert.doesNotMatch(line, /(?<!\\)-|["'`^~]|\\(?![-e&]|f[BIR]|\((?:aq|ga|ha|ti|dq)|\[u[0-9A-F]{4,6}\])/, file);
      }
    }
  });

  it('show examples and flags letter by letter', () => {
    for (const page of pages) {
      const text = commandMan(page, pages, '1').split('\n').map(shown).join('\n');
      for (const { line } of page.examples) assert.ok(text.includes(`\n${line.replace(/\s+/g, ' ')}\n`), line);
      for (const { name } of page.flags) assert.ok(text.includes(`--${name}`), `${page.id} --${name}`);
    }
  });

  it('escape any text so that it can be read again, and begins no request', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const escaped = roff(text);
        assert.doesNotMatch(escaped, /^[.']|\n/);
        assert.equal(shown(escaped), text.replace(/\s+/g, ' '));
      }),
    );
    assert.equal(roff('.x \\n --a'), '\\&.x \\en \\-\\-a');
  });
});
