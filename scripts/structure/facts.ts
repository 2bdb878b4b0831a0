/** What the rules need to know of each source file, read from TypeScript's own syntax tree (the package is pinned; its API is not stable yet). */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import type { FileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

export interface ImportFact {
  readonly specifier: string;
  /** `value` runs when the file is loaded, `lazy` is `import()`, `type` is gone at run time. */
  readonly kind: 'value' | 'type' | 'lazy';
  readonly line: number;
}

export interface FunctionFact {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  readonly parameters: number;
}

export interface FileFacts {
  /** Path from the project's folder, with `/`. */
  readonly file: string;
  readonly lines: number;
  /** Text of the comment the file begins with; empty when there is none. */
  readonly head: string;
  readonly imports: readonly ImportFact[];
  readonly functions: readonly FunctionFact[];
  /** Lines of `export default`. */
  readonly defaultExports: readonly number[];
  /** Lines of `shell:` with anything but `false`. */
  readonly shells: readonly number[];
}

/** The page for browsers has a library of its own. */
const PROJECTS = ['tsconfig.json', 'src/page/tsconfig.json'] as const;

/** Facts of every file that the tsconfig.json in `root`, and that of the page where there is one, include; `fs` replaces the disk (tests). */
export function readFacts(root: string, fs?: FileSystem): FileFacts[] {
  const api = new API({ cwd: root, ...(fs ? { fs } : {}) });
  const isThere = (path: string): boolean => fs?.fileExists?.(path) ?? existsSync(path);
  const open = PROJECTS.map((name) => `${root}/${name}`).filter(isThere);
  if (open.length === 0) throw new Error(`no tsconfig.json in ${root}`);
  try {
    const projects = api.updateSnapshot({ openProjects: open }).getProjects();
    return projects.flatMap(({ rootFiles, program }) =>
      rootFiles.filter(isWritten).map((name) => {
        const source = program.getSourceFile(name);
        if (!source) throw new Error(`TypeScript cannot read ${name}`);
        return factsOf(relative(root, name), source);
      }),
    );
  } finally {
    api.close();
  }
}

/** Generated code keeps no rules (scripts/proto.ts makes it; it is not in git). */
const isWritten = (name: string): boolean => !name.includes('/etcd-client/gen/');

function factsOf(file: string, source: SourceFile): FileFacts {
  const found = {
    imports: [] as ImportFact[],
    functions: [] as FunctionFact[],
    defaults: [] as number[],
    shells: [] as number[],
  };
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node: Node): void => {
    const line = lineAt(node.getStart(source));
    const imported = importOf(node, source);
    if (imported) found.imports.push({ ...imported, line });
    if (is.isFunctionLikeDeclaration(node) && 'body' in node && node.body)
      found.functions.push({
        name: nameOf(node, source),
        line,
        lines: lineAt(node.end) - line + 1,
        parameters: node.parameters.length,
      });
    if (isDefaultExport(node, source)) found.defaults.push(line);
    if (
      is.isPropertyAssignment(node) &&
      /^['"]?shell['"]?$/.test(node.name.getText(source)) &&
      node.initializer.getText(source) !== 'false'
    )
      found.shells.push(line);
    node.forEachChild(visit);
  };
  visit(source);
  const { imports, functions, defaults: defaultExports, shells } = found;
  const lines = source.text.split('\n').length - (source.text.endsWith('\n') ? 1 : 0);
  return { file, lines, head: headOf(source.text), imports, functions, defaultExports, shells };
}

const headOf = (text: string): string => /^(?:#!.*\n)?\s*(\/\*[\s\S]*?\*\/)/.exec(text)?.[1] ?? '';

function importOf(node: Node, source: SourceFile): Omit<ImportFact, 'line'> | undefined {
  if (is.isImportDeclaration(node) && is.isStringLiteral(node.moduleSpecifier))
    return { specifier: node.moduleSpecifier.text, kind: isTypeOnly(node.getText(source)) ? 'type' : 'value' };
  if (is.isExportDeclaration(node) && node.moduleSpecifier && is.isStringLiteral(node.moduleSpecifier))
    return { specifier: node.moduleSpecifier.text, kind: isTypeOnly(node.getText(source)) ? 'type' : 'value' };
  if (is.isImportTypeNode(node)) {
    const literal = is.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    return literal && is.isStringLiteral(literal) ? { specifier: literal.text, kind: 'type' } : undefined;
  }
  return is.isCallExpression(node) ? callOf(node.expression.getText(source), node.arguments[0]) : undefined;
}

/** `import('x')` and `require('x')`; a specifier that is not a literal cannot be checked and is shown as it stands. */
function callOf(callee: string, argument: Node | undefined): Omit<ImportFact, 'line'> | undefined {
  if (callee !== 'import' && callee !== 'require') return undefined;
  const specifier = argument && is.isStringLiteral(argument) ? argument.text : (argument?.getText() ?? '');
  return { specifier, kind: callee === 'import' ? 'lazy' : 'value' };
}

/** `import type …`, `export type …`, and braces in which every name says `type`. */
function isTypeOnly(statement: string): boolean {
  if (/^(import|export)\s+type\s/.test(statement)) return true;
  const names = /^(?:import|export)\s*\{([^}]*)\}/
    .exec(statement)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names !== undefined && names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

const isDefaultExport = (node: Node, source: SourceFile): boolean =>
  is.isExportAssignment(node) || (is.isStatement(node) && /^export\s+default\b/.test(node.getText(source)));

/** Its own name, or that of the variable or property it is assigned to. */
function nameOf(node: Node, source: SourceFile): string {
  const named = [node, node.parent].find((each) => each && 'name' in each && each.name) as { name: Node } | undefined;
  return named ? named.name.getText(source) : 'function';
}
