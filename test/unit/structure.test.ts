import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { check } from '../../scripts/structure/check.ts';
import { readFacts } from '../../scripts/structure/facts.ts';
import { LIMITS, ROOMS, roomsTable } from '../../scripts/structure/rules.ts';
import { packageRoot } from '../../src/root.ts';

const CONFIG = JSON.stringify({
  compilerOptions: { noLib: true, types: [], module: 'nodenext', allowImportingTsExtensions: true, noEmit: true },
  include: ['src', 'test', 'scripts'],
});
const HEAD = '/** model/ holds values; it must not know anything else. */\n';

/** Rules broken by a project of these files, as `rule file:line`. */
function broken(files: Record<string, string>): string[] {
  const all = { 'tsconfig.json': CONFIG, ...files };
  const tree = Object.fromEntries(Object.entries(all).map(([name, text]) => [`/project/${name}`, text]));
  const facts = readFacts('/project', createVirtualFileSystem(tree));
  return check(facts).map(({ rule, file, line }) => `${rule} ${file}:${line}`);
}

const lines = (count: number): string => 'let x = 0;\n'.repeat(count);

describe('structure: the walls hold', () => {
  it('this project breaks no rule', () => {
    const violations = check(readFacts(packageRoot()));
    assert.deepEqual(violations, []);
  });

  it('every room that may be imported is in the table', () => {
    const named = Object.values(ROOMS).flatMap((room) => room.may.map((name) => name.replace(' (lazy)', '')));
    assert.deepEqual(
      named.filter((name) => !ROOMS[name]),
      [],
    );
  });

  it('docs/DESIGN.md prints the table as it is enforced', () => {
    const file = join(packageRoot(), 'docs', 'DESIGN.md');
    assert.ok(existsSync(file), 'docs/DESIGN.md is missing');
    assert.ok(readFileSync(file, 'utf8').includes(roomsTable()), 'run: node scripts/check-structure.ts --table');
  });
});

describe('structure: each rule can fail', () => {
  const model = { 'src/model/a.ts': `${HEAD}export const a = 1;\n` };

  it('nothing is wrong with a clean project', () => {
    const store = `/** store/ must not know the kernel. */\nimport { a } from '../model/a.ts';\nexport const b = a;\n`;
    assert.deepEqual(broken({ ...model, 'src/store/b.ts': store }), []);
  });

  it('a wall: model may import nothing', () => {
    const bad = `${HEAD}import { b } from '../store/b.ts';\nexport const a = b;\n`;
    const store = '/** store/ must not know the kernel. */\nexport const b = 1;\n';
    assert.deepEqual(broken({ 'src/model/a.ts': bad, 'src/store/b.ts': store }), ['import src/model/a.ts:2']);
  });

  it('a wall: types, re-exports, import types and import() count too', () => {
    const store = '/** store/ must not know the kernel. */\nexport const b = 1;\nexport type B = 1;\n';
    for (const line of [
      "import type { B } from '../store/b.ts';\nexport type A = B;",
      "export { b } from '../store/b.ts';",
      "export type A = import('../store/b.ts').B;",
      "export const a = () => import('../store/b.ts');",
      "export const a = require('../store/b.ts');",
    ])
      assert.deepEqual(
        broken({ 'src/model/a.ts': `${HEAD}${line}\n`, 'src/store/b.ts': store }),
        ['import src/model/a.ts:2'],
        line,
      );
  });

  it('a lazy wall: commands load the daemon by import() only, and may name its types', () => {
    const daemon = '/** daemon/ must not know commands. */\nexport const run = 1;\nexport type Run = 1;\n';
    const command = (line: string) => broken({ 'src/daemon/run.ts': daemon, 'src/commands/up.ts': `${line}\n` });
    assert.deepEqual(command("import { run } from '../daemon/run.ts';\nexport const x = run;"), [
      'import src/commands/up.ts:1',
    ]);
    assert.deepEqual(command("export const x = () => import('../daemon/run.ts');"), []);
    assert.deepEqual(command("import type { Run } from '../daemon/run.ts';\nexport type X = Run;"), []);
  });

  it('a room that is not in the table', () => {
    assert.deepEqual(broken({ 'src/attic/a.ts': '/** attic/ must not know. */\nexport const a = 1;\n' }), [
      'room src/attic/a.ts:1',
    ]);
  });

  it('a room without its paragraph', () => {
    for (const head of ['', '/** Values. */\n', '/** model/ holds values. */\n', '/** store/ must not know. */\n'])
      assert.deepEqual(
        broken({ 'src/model/a.ts': `${head}export const a = 1;\n` }),
        ['room-head src/model/a.ts:1'],
        head,
      );
  });

  it('a cycle', () => {
    const a = `${HEAD}import { b } from './b.ts';\nexport const a = () => b;\n`;
    const b = "import { a } from './a.ts';\nexport const b = () => a;\n";
    assert.deepEqual(broken({ 'src/model/a.ts': a, 'src/model/b.ts': b }), ['cycle src/model/b.ts:1']);
  });

  it('system modules outside the rooms that own them', () => {
    for (const module of ['node:fs', 'node:fs/promises', 'node:child_process', 'execa', 'koffi'])
      assert.deepEqual(
        broken({ 'src/model/a.ts': `${HEAD}import * as x from '${module}';\nexport const a = x;\n` }),
        ['system src/model/a.ts:2'],
        module,
      );
  });

  it('a slow package in what a command loads, at any depth', () => {
    const files = '/** files/ must not know etcd. */\nimport * as x from "execa";\nexport const f = x;\n';
    const command = "import { f } from '../files/f.ts';\nexport const x = f;\n";
    assert.deepEqual(broken({ 'src/files/f.ts': files, 'src/commands/c.ts': command }), [
      'heavy-import src/commands/c.ts:1',
    ]);
    const lazily = '/** files/ must not know etcd. */\nexport const f = () => import("execa");\n';
    assert.deepEqual(broken({ 'src/files/f.ts': lazily, 'src/commands/c.ts': command }), []);
  });

  it('a long file, a long command, a long function, too many parameters', () => {
    assert.deepEqual(broken({ 'src/model/a.ts': HEAD + lines(LIMITS.file) }), ['file-size src/model/a.ts:1']);
    assert.deepEqual(broken({ 'src/model/a.ts': HEAD + lines(LIMITS.file - 1) }), []);
    assert.deepEqual(broken({ 'src/commands/c.ts': lines(LIMITS.command + 1) }), ['file-size src/commands/c.ts:1']);
    const long = (count: number) => `${HEAD}export function f() {\n${lines(count - 2)}}\n`;
    assert.deepEqual(broken({ 'src/model/a.ts': long(LIMITS.function + 1) }), ['function-size src/model/a.ts:2']);
    assert.deepEqual(broken({ 'src/model/a.ts': long(LIMITS.function) }), []);
    const five = `${HEAD}export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e];\n`;
    assert.deepEqual(broken({ 'src/model/a.ts': five }), ['parameters src/model/a.ts:2']);
  });

  it('a default export outside commands', () => {
    assert.deepEqual(broken({ 'src/model/a.ts': `${HEAD}export default 1;\n` }), ['default-export src/model/a.ts:2']);
    assert.deepEqual(broken({ 'src/commands/c.ts': 'export default class C {}\n' }), []);
  });

  it('a shell', () => {
    const options = (value: string) => ({ 'src/model/a.ts': `${HEAD}export const o = { shell: ${value} };\n` });
    assert.deepEqual(broken(options('true')), ['shell src/model/a.ts:2']);
    assert.deepEqual(broken(options("'/bin/sh'")), ['shell src/model/a.ts:2']);
    assert.deepEqual(broken(options('false')), []);
  });
});
