/** Builds dist/ (one entry a command, shared code in chunks), oclif.manifest.json, man/ and the generated pages of docs/. Usage: npm run build */
import { globSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build, type Plugin as EsbuildPlugin } from 'esbuild';
import { ERRORS_PAGE, errorsPage } from './docs.ts';
import { writeManPages } from './man.ts';
import { generateProto } from './proto.ts';
import { COMMANDS_PAGE, commandPages, commandsPage } from './reference.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Files that are started by name: the program, its commands, workers and detached programs (src/NAME/…-entry.ts). */
const entries = () => [
  'src/main.ts',
  ...globSync('src/commands/**/*.ts', { cwd: root }),
  ...globSync('src/**/*-entry.ts', { cwd: root }),
];

/** etcd3 reads its .proto files beside itself; koffi loads a native module; oclif loads these only where they are installed. */
const EXTERNAL = ['koffi', 'etcd3', 'typescript', 'ts-node', 'tsx', 'tsconfig-paths'];

/** One of Node's own modules as an ES module whose unused exports cost nothing. */
function builtinText(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter(
    (name) => /^[A-Za-z_]\w*$/.test(name) && name !== 'default',
  );
  return [
    `const $builtin = /* @__PURE__ */ process.getBuiltinModule('${path}');`,
    'const $get = (name) => $builtin[name];',
    'export default $builtin;',
    ...names.map((name) => `export const ${name} = /* @__PURE__ */ $get('${name}');`),
  ].join('\n');
}

/**
 * Node's own modules are not imported: an import reads every property of a module for its namespace, and some of them load half of Node
 * (node:http brings undici with it: 85 ms instead of 4).
 */
const builtinsByName: EsbuildPlugin = {
  name: 'builtins-by-name',
  setup({ onResolve, onLoad }) {
    const known = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    // One for each importer: shared ones would be files of their own, and each file costs a start half a millisecond.
    onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, kind, importer }) =>
      known.has(path) && kind !== 'require-call'
        ? { path: `${path} of ${importer}`, namespace: 'builtin', sideEffects: false, pluginData: path }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'builtin' }, ({ pluginData }) => ({ contents: builtinText(pluginData) }));
  },
};

/** Of @oclif/core what the program uses: its index loads the rest too, and semver to look at Node's version. */
const OCLIF = [
  "export { Command } from '@oclif/core/command';",
  "export * as Args from '@oclif/core/args';",
  "export * as Flags from '@oclif/core/flags';",
].join('\n');

/**
 * Lines of @oclif/core and of what it uses that cost a start milliseconds for nothing: comparing by locale loads ICU, text without marks is no
 * template, whether this is WSL matters to nobody, and the width of plain text is its length (else
 * a regular expression of 10 kB is compiled for every word).
 */
const SLOW_LINES: readonly (readonly [file: RegExp, line: string, instead: string])[] = [
  [/core\/lib\/config\/plugin\.js$/, 'a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
  [
    /core\/lib\/help\/util\.js$/,
    'return ejs_1.default.render(t, context);',
    "return t.includes('<%') ? ejs_1.default.render(t, context) : t;",
  ],
  [
    /core\/lib\/util\/os\.js$/,
    "return (await import('wsl-utils')).isWsl ? 'wsl' : (0, node_os_1.platform)();",
    'return (0, node_os_1.platform)();',
  ],
  [
    /\/string-width\/index\.js$/,
    'string = stripAnsi(string);',
    'if (/^[ -~]*$/.test(string)) return string.length; string = stripAnsi(string);',
  ],
];

const quickOclif: EsbuildPlugin = {
  name: 'quick-oclif',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: 'oclif', namespace: 'quick-oclif' }));
    onLoad({ filter: /./, namespace: 'quick-oclif' }, () => ({ contents: OCLIF, resolveDir: root }));
    for (const [filter, line, instead] of SLOW_LINES)
      onLoad({ filter }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        // A newer package must be looked at again.
        if (text.split(line).length !== 2) throw new Error(`${path} has no line ${line}`);
        return { contents: text.replace(line, instead) };
      });
  },
};

async function bundle(): Promise<void> {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: entries(),
    outdir: 'dist',
    outbase: 'src',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.13',
    external: EXTERNAL,
    plugins: [quickOclif, builtinsByName],
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    legalComments: 'none',
    banner: {
      js: "import { createRequire as tsfCreateRequire } from 'node:module'; const require = tsfCreateRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** What the page of `tsflannel ui` runs in the browser: one file. */
async function bundlePage(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ['src/page/page.ts'],
    outdir: 'dist/page',
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
  });
}

/** The manifest as @oclif/core itself sees the built commands, which it finds in no certain order. */
export async function manifest(): Promise<string> {
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  const commands = Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ ...plugin.manifest, commands: Object.fromEntries(commands) }, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  generateProto();
  await bundle();
  await bundlePage();
  const text = await manifest();
  const pages = commandPages(text);
  writeFileSync(join(root, 'oclif.manifest.json'), text);
  writeFileSync(COMMANDS_PAGE, commandsPage(pages));
  writeManPages(text);
  writeFileSync(ERRORS_PAGE, errorsPage());
  console.log(`built ${entries().length} entries, ${pages.length} commands`);
}
