/** The rules themselves: facts in, violations out. Pure, so that each rule has a test that breaks it. */
import { posix } from 'node:path';
import type { FileFacts, FunctionFact, ImportFact } from './facts.ts';
import { HEAVY, LIMITS, PROGRAM, ROOMS, roomOf, SYSTEM_MODULES } from './rules.ts';

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly detail: string;
}

/** All violations, in the order of files and rules. */
export function check(files: readonly FileFacts[]): Violation[] {
  const source = files.filter((file) => file.file.startsWith('src/'));
  return [
    ...files.flatMap(sizes),
    ...files.flatMap(habits),
    ...source.flatMap(walls),
    ...source.flatMap(systemUse),
    ...roomHeads(source),
    ...cycles(source),
    ...heavyCommands(source),
  ];
}

const violation = (file: FileFacts, line: number, rule: string, detail: string): Violation => ({
  file: file.file,
  line,
  rule,
  detail,
});

const isCommand = (file: FileFacts): boolean => file.file.startsWith('src/commands/');
const isTest = (file: FileFacts): boolean => /^(test|bench)\//.test(file.file);

function sizes(file: FileFacts): Violation[] {
  const most = isCommand(file) ? LIMITS.command : LIMITS.file;
  const long = file.lines > most ? [violation(file, 1, 'file-size', `${file.lines} lines, at most ${most}`)] : [];
  return [...long, ...(isTest(file) ? [] : file.functions.flatMap((each) => functionSize(file, each)))];
}

function functionSize(file: FileFacts, { name, line, lines, parameters }: FunctionFact): Violation[] {
  const tooMany = parameters > LIMITS.parameters;
  return [
    ...(lines > LIMITS.function
      ? [violation(file, line, 'function-size', `${name}: ${lines} lines, at most ${LIMITS.function}`)]
      : []),
    ...(tooMany
      ? [violation(file, line, 'parameters', `${name}: ${parameters} parameters, at most ${LIMITS.parameters}`)]
      : []),
  ];
}

function habits(file: FileFacts): Violation[] {
  const defaults = isCommand(file) ? [] : file.defaultExports;
  return [
    ...defaults.map((line) => violation(file, line, 'default-export', 'only commands have one')),
    ...file.shells.map((line) => violation(file, line, 'shell', 'no shell, ever')),
  ];
}

/** File an import leads to, from the project's folder; undefined for packages. */
const targetOf = (from: FileFacts, { specifier }: ImportFact): string | undefined =>
  specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from.file), specifier)) : undefined;

const inSource = (file: string): string => file.slice('src/'.length);

function walls(file: FileFacts): Violation[] {
  return file.imports.flatMap((each) => {
    const target = targetOf(file, each);
    const problem = target === undefined ? undefined : wallProblem(inSource(file.file), target, each.kind);
    return problem === undefined ? [] : [violation(file, each.line, 'import', problem)];
  });
}

/** Why `from` (below src/) may not import `target`; undefined when it may. */
function wallProblem(from: string, target: string, kind: ImportFact['kind']): string | undefined {
  if (!target.startsWith('src/')) return `${target} is outside src/`;
  const to = inSource(target);
  const rooms = { from: roomOf(from), to: roomOf(to) };
  if (PROGRAM.shared.some((name) => name === to)) return undefined;
  if (rooms.from === rooms.to) return undefined;
  if (rooms.from === '')
    return PROGRAM.entriesMay.some((name) => name === rooms.to) ? undefined : `${from} may not import ${rooms.to}`;
  const room = ROOMS[rooms.from];
  if (!room) return `room ${rooms.from} is not in the table`;
  if (room.may.includes(rooms.to)) return undefined;
  if (!room.may.includes(`${rooms.to} (lazy)`)) return `${rooms.from} may not import ${rooms.to}`;
  return kind === 'value' ? `${rooms.from} may import ${rooms.to} only lazily` : undefined;
}

function systemUse(file: FileFacts): Violation[] {
  const name = inSource(file.file);
  if (ROOMS[roomOf(name)]?.system || PROGRAM.shared.some((shared) => shared === name)) return [];
  return file.imports
    .filter((each) => each.kind !== 'type' && SYSTEM_MODULES.some((module) => module === each.specifier))
    .map((each) => violation(file, each.line, 'system', `${roomOf(name)} may not import ${each.specifier}`));
}

/** Begins with the room's name (`store/etcd/ …` or `etcd/ …`) and says what it does not know, import or do. */
function tellsOf(head: string, room: string): boolean {
  const text = head
    .replace(/^\/\*\*?|\*\/$/g, '')
    .replace(/^\s*\*/gm, '')
    .trim();
  const named = [room, room.split('/').at(-1)].some((name) => text.startsWith(`${name}/ `));
  return named && /\b(not|nothing|no)\b/i.test(text);
}

/** Each room has a file whose first comment says what the room knows and what it must not know. */
function roomHeads(files: readonly FileFacts[]): Violation[] {
  const rooms = Map.groupBy(files, (file) => roomOf(inSource(file.file)));
  return [...rooms].flatMap(([room, members]) => {
    const [first] = members;
    if (!first || room === '' || room === 'commands') return [];
    if (!ROOMS[room]) return [violation(first, 1, 'room', `room ${room} is not in the table`)];
    const told = members.some((file) => tellsOf(file.head, room));
    return told ? [] : [violation(first, 1, 'room-head', `no file begins with "${room}/ knows …; it must not know …"`)];
  });
}

/** Import cycles, types included: two files that need each other's words are one idea. */
function cycles(files: readonly FileFacts[]): Violation[] {
  const byName = new Map(files.map((file) => [file.file, file]));
  const state = new Map<string, 'open' | 'done'>();
  const found: Violation[] = [];
  const visit = (file: FileFacts, path: readonly string[]): void => {
    state.set(file.file, 'open');
    for (const each of file.imports.filter((fact) => fact.kind !== 'lazy')) {
      const next = byName.get(targetOf(file, each) ?? '');
      if (!next) continue;
      if (state.get(next.file) === 'open') {
        const loop = [...path, file.file].slice([...path, file.file].indexOf(next.file));
        found.push(violation(file, each.line, 'cycle', [...loop, next.file].join(' -> ')));
      } else if (!state.has(next.file)) visit(next, [...path, file.file]);
    }
    state.set(file.file, 'done');
  };
  for (const file of files) if (!state.has(file.file)) visit(file, []);
  return found;
}

/** Commands start fast: what they import statically, however deep, holds no slow package. */
function heavyCommands(files: readonly FileFacts[]): Violation[] {
  const byName = new Map(files.map((file) => [file.file, file]));
  const heavyFrom = (file: FileFacts, seen: Set<string>): string[] =>
    file.imports
      .filter((each) => each.kind === 'value')
      .flatMap((each) => {
        const heavy = HEAVY.find((name) => each.specifier === name || each.specifier.startsWith(`${name}/`));
        if (heavy) return [`${heavy} (by ${file.file})`];
        const next = byName.get(targetOf(file, each) ?? '');
        if (!next || seen.has(next.file)) return [];
        seen.add(next.file);
        return heavyFrom(next, seen);
      });
  return files
    .filter(isCommand)
    .flatMap((file) =>
      heavyFrom(file, new Set()).map((detail) => violation(file, 1, 'heavy-import', `loads ${detail}`)),
    );
}
