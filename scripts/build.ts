/** Builds dist/ (one entry a command, shared code in chunks), oclif.manifest.json, man/ and the generated pages of docs/. Usage: npm run build */
import { globSync, rmSync, writeFileSync } from 'node:fs';
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
 * (node:http brings undici with it: 85 ms instead of 4). What is imported at run time is left to Node: that needs the namespace, and would
 * keep all of it for everybody.
 */
const builtinsByName: EsbuildPlugin = {
  name: 'builtins-by-name',
  setup({ onResolve, onLoad }) {
    const known = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, kind }) =>
      known.has(path) && kind === 'import-statement' ? { path, namespace: 'builtin', sideEffects: false } : undefined,
    );
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: builtinText(path) }));
  },
};

/** What oclif loads at every start and needs for help, plugins and other systems only: loaded at first use. */
const SELDOM = /^(ejs|minimatch|tinyglobby)$/;

/** The parts of oclif that commands use, without its index: that loads all of them, and asks for Node's version anew. */
const OCLIF = [
  "export { Command } from '@oclif/core/command';",
  "export * as Args from '@oclif/core/args';",
  "export * as Flags from '@oclif/core/flags';",
].join('\n');

const oclifByNeed: EsbuildPlugin = {
  name: 'oclif-by-need',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@oclif\/core$/ }, ({ path }) => ({ path, namespace: 'oclif' }));
    onLoad({ filter: /./, namespace: 'oclif' }, () => ({ contents: OCLIF, resolveDir: root }));
    // Only tells Windows' Linux from others, for the name of an archive.
    onResolve({ filter: /^wsl-utils$/ }, ({ path }) => ({ path, namespace: 'wsl' }));
    onLoad({ filter: /./, namespace: 'wsl' }, () => ({ contents: 'export const isWsl = false;' }));
    onResolve({ filter: SELDOM }, ({ path, importer, resolveDir, namespace }) =>
      namespace === 'seldom' || !importer.includes('@oclif/core')
        ? undefined
        : { path, namespace: 'seldom', pluginData: resolveDir },
    );
    onLoad({ filter: /./, namespace: 'seldom' }, ({ path, pluginData }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => (name === '__esModule' ? undefined : require('${path}')[name]) });`,
      resolveDir: pluginData,
    }));
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
    plugins: [builtinsByName, oclifByNeed],
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
