import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { commandOf, flagsIn } from '../support/program.ts';

const pages = ['README.md', 'README.zh-CN.md', ...globSync('docs/**/*.md', { cwd: packageRoot() })].sort();

/** Lines of code blocks (by indent or fence) that call the program, without the prompt, a comment or `sudo`. */
function linesOf(text: string): string[] {
  let fenced = false;
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('```')) fenced = !fenced;
    const code = fenced || /^ {4}/.test(line) ? line.trim() : '';
    const typed = code.replace(/^(?:[\w-]+# |\$ |# )?(?:sudo )?/, '').replace(/\s#\s.*$/, '');
    return /^tsflannel /.test(typed) ? [typed] : [];
  });
}

/** What stands as `tsflannel …` in running text. */
const mentions = (text: string): string[] =>
  [...text.matchAll(/`(tsflannel [^`\n]+)`/g)].map(([, words = '']) => words);

describe('the documents', () => {
  for (const page of pages) {
    const text = readFileSync(join(packageRoot(), page), 'utf8');

    it(`${page}: each command is one, with these flags`, () => {
      for (const line of [...linesOf(text), ...mentions(text)]) {
        const words = line.replace(/^tsflannel /, '');
        // `tsflannel etcd …` and `tsflannel --help` , `tsflannel COMMAND` mean none of their own.
        if (/^(?:-|[A-Z]|[\w ]*…)/.test(words)) continue;
        const command = commandOf(words);
        assert.ok(command, line);
        const known = Object.values(command.flags).flatMap(({ name, allowNo }) =>
          allowNo ? [name, `no-${name}`] : [name],
        );
        const own = line.split(' -- ')[0] ?? '';
        for (const flag of flagsIn(own)) assert.ok(known.includes(flag), `${line}: no --${flag}`);
      }
    });

    it(`${page}: each link leads somewhere`, () => {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        assert.ok(existsSync(join(packageRoot(), dirname(page), target)), target);
      }
    });
  }
});
