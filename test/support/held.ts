/**
 * What `--json` printed, held against its schema: the runners of commands hand it all they see, so that every test with `--json` checks
 * this too. {@link HELD_IN} says which file is the proof for which command.
 */
import assert from 'node:assert/strict';
import { formatIn } from '../../src/output/format.ts';
import type { Schema } from '../../src/schema/build.ts';
import { ERROR, SCHEMAS } from '../../src/schema/schema.ts';
import { schemaFaults } from './json-schema.ts';
import { commandOf } from './program.ts';

/** Names of the schemas that something was held against, in this process. */
const held = new Set<string>();

/** Those that print one document a line. */
const isStream = (name: string, words: readonly string[]): boolean =>
  name === 'etcd watch' || words.includes('--watch');

/** A line of `-o jsonl`: an item of a list of the document, with the schemaVersion. */
function lineSchema(schema: Schema): Schema {
  const items = (schema.anyOf ?? [schema]).flatMap(({ properties = {} }) =>
    Object.values(properties).flatMap(({ items: item }) => (item?.type === 'object' ? [item] : [])),
  );
  const version = { schemaVersion: { const: 1 } } as const;
  return { anyOf: items.map((item) => ({ ...item, properties: { ...item.properties, ...version } })) };
}

/** What was typed behind `tsflannel`, up to `--`; empty where it is another program. */
function wordsOf(argv: readonly string[]): readonly string[] {
  const at = argv.findIndex((word) => /(^|\/)(tsflannel|run\.js)$/.test(word));
  const words = at < 0 ? [] : argv.slice(at + 1);
  const end = words.indexOf('--');
  return end < 0 ? words : words.slice(0, end);
}

/** What does not fit, a line each. */
function faultsIn(name: string, schema: Schema, text: string): string[] {
  try {
    const value = JSON.parse(text);
    const isError = typeof value?.error === 'object';
    held.add(isError ? ERROR : name);
    return schemaFaults(isError ? (SCHEMAS.get(ERROR) as Schema) : schema, value);
  } catch {
    return [`no JSON: ${text.slice(0, 300)}`];
  }
}

/** Fails where the command printed what its schema does not describe. What was killed may have printed nothing. */
export function holdToSchema(argv: readonly string[], stdout: string): void {
  const words = wordsOf(argv);
  const format = formatIn(words);
  if (stdout === '' || (format !== 'json' && format !== 'jsonl')) return;
  const name = commandOf(words.join(' '))?.id ?? ERROR;
  const schema = SCHEMAS.get(name);
  assert.ok(schema, `${name} has no schema`);
  const stream = isStream(name, words);
  const documents = stream || format === 'jsonl' ? stdout.split('\n').filter((line) => line !== '') : [stdout];
  const wanted = format === 'jsonl' && !stream ? lineSchema(schema) : schema;
  const faults = documents.flatMap((text) => faultsIn(name, wanted, text));
  assert.deepEqual(faults, [], `tsflannel ${words.join(' ')} prints what tsflannel schema ${name} does not say`);
}

/** Which commands are held against their schemas where: by the test file's name below test/lab, for the commands it is the proof for. */
export const HELD_IN: Readonly<Record<string, readonly string[]>> = {
  schema: [
    ...[
      'bundle',
      'cloud-init',
      'completion',
      'discovery new',
      'doctor',
      'down',
      'explain',
      'help',
      'ping',
      'plan',
      'routes',
    ],
    ...['schema', 'status', 'test connectivity', 'top', 'trace', 'up', 'version', 'wait', ERROR],
    ...['config get', 'config set', 'config validate', 'config view', 'docker opts', 'docker status'],
    ...['etcd alarm disarm', 'etcd alarm list', 'etcd compact', 'etcd defrag', 'etcd del', 'etcd get', 'etcd put'],
    ...['etcd member add', 'etcd member list', 'etcd member promote', 'etcd status', 'etcd stop', 'etcd watch'],
    ...['etcd snapshot list', 'etcd snapshot save', 'etcd snapshot schedule'],
    ...[
      'gateway disable',
      'gateway enable',
      'gateway status',
      'service install',
      'service status',
      'service uninstall',
    ],
    ...['lab chaos', 'lab down', 'lab exec', 'lab status', 'lab up', 'leases', 'leases release', 'leases reserve'],
    ...['token create', 'token list', 'token revoke'],
  ],
  bench: ['bench'],
  'discovery-serve': ['discovery serve'],
  'docker/apply': ['docker apply', 'docker revert'],
  'docker/network': ['docker network create', 'docker network remove'],
  'etcd-members': ['etcd member remove', 'etcd member replace'],
  'etcd-snapshot': ['etcd snapshot restore'],
  'import-v2': ['config import'],
  init: ['init'],
  join: ['join'],
  ui: ['ui'],
};

/** The last test of a file of {@link HELD_IN}: its tests have typed these commands with `--json`, and each runner looked. */
export function holdsItsSchemas(file: string): void {
  it('printed JSON as the schemas say', () => {
    const missing = (HELD_IN[file] ?? []).filter((name) => !held.has(name));
    assert.deepEqual(missing, [], 'typed with --json by no test of this file');
  });
}
