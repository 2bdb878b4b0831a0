/**
 * Generates src/etcd-client/gen/ (not in git) from the .proto files that the etcd3 package ships, with buf and protoc-gen-es; no network.
 * The copies lose what buf cannot resolve here: the "./" in imports, and the HTTP gateway's options (google.api.http is not shipped).
 * Does nothing when the stamp says that neither those files nor the generator have changed. Usage: npm run proto
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const source = join(modules, 'etcd3', 'proto');
const work = join(root, '.cache', 'proto');
const target = join(root, 'src', 'etcd-client', 'gen');
const stampFile = join(target, '.stamp');

const protoFiles = (): string[] => readdirSync(source).filter((name) => name.endsWith('.proto'));
const versionOf = (name: string): string => readFileSync(join(modules, name, 'package.json'), 'utf8');

/** A hash of everything the generated code depends on. */
function stamp(): string {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of protoFiles()) hash.update(readFileSync(join(source, name)));
  for (const name of ['@bufbuild/buf', '@bufbuild/protoc-gen-es']) hash.update(versionOf(name));
  return hash.digest('hex');
}

/** The text of one file as buf can read it; comments stay out of the generated code. */
const edited = (text: string): string =>
  text
    .replace(/\/\/.*$/gm, '')
    .replace(/import "\.\//g, 'import "')
    .replace(/option \(google\.api\.http\) = \{(?:[^{}]|\{[^{}]*\})*\};?/g, '');

function generate(): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const name of protoFiles()) writeFileSync(join(work, name), edited(readFileSync(join(source, name), 'utf8')));
  const plugin = { local: join(modules, '.bin', 'protoc-gen-es'), out: target };
  const opt = ['target=ts', 'import_extension=ts', 'erasable_syntax=true'];
  const template = JSON.stringify({ version: 'v2', clean: true, plugins: [{ ...plugin, opt }] });
  execFileSync(join(modules, '.bin', 'buf'), ['generate', work, '--template', template], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` },
  });
}

/** Brings src/etcd-client/gen up to date; `true` when something was generated. */
export function generateProto(): boolean {
  const wanted = stamp();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return false;
  generate();
  writeFileSync(stampFile, wanted);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(generateProto() ? 'generated src/etcd-client/gen' : 'src/etcd-client/gen is up to date');
}
