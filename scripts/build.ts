/** Builds dist/ (one entry a command, shared code in chunks) and oclif.manifest.json. Usage: npm run build */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';
import { generateProto } from './proto.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Files that are started by name: the program, its commands, workers and detached programs (src/NAME/…-entry.ts). */
const entries = () => [
  'src/main.ts',
  ...globSync('src/commands/**/*.ts', { cwd: root }),
  ...globSync('src/**/*-entry.ts', { cwd: root }),
];

/** etcd3 reads its .proto files beside itself; koffi loads a native module; oclif loads these only where they are installed. */
const EXTERNAL = ['koffi', 'etcd3', 'typescript', 'ts-node', 'tsx', 'tsconfig-paths'];

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
    sourcemap: 'linked',
    legalComments: 'none',
    banner: {
      js: "import { createRequire as tsfCreateRequire } from 'node:module'; const require = tsfCreateRequire(import.meta.url);",
    },
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
  writeFileSync(join(root, 'oclif.manifest.json'), await manifest());
  console.log(
    `built ${entries().length} entries, ${Object.keys(JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')).commands).length} commands`,
  );
}
