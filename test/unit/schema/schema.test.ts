import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, TsflannelError } from '../../../src/errors.ts';
import { errorData } from '../../../src/output/command.ts';
import { packageRoot } from '../../../src/root.ts';
import { count, decimal, list, object, optional, orNull, type Schema, text, word } from '../../../src/schema/build.ts';
import { ERROR, SCHEMAS } from '../../../src/schema/schema.ts';
import { HELD_IN } from '../../support/held.ts';
import { schemaFaults } from '../../support/json-schema.ts';
import { commands } from '../../support/program.ts';

/**
 * Integers by their names, with what keeps each below 2^53. Ids, revisions and what the kernel counts are not here: they are `hex()`,
 * `decimal()` and `tally()`.
 */
const BOUNDED: Readonly<Record<string, string>> = {
  'a packet, a port, a number of 24 bits': 'mtu largest port clientPort peerPort vni',
  'a file, an echo packet': 'bytes',
  'a measurement of some minutes':
    'asked lost sent received overflowed repeated resets retransmits unanswered rate streams measurements duplicates',
  'what a person types': 'size keep everySeconds etcdMembers',
  'IPv4 has 2^32 addresses': 'subnetLength subnets leased peers',
  'a process and what it has': 'pid daemon exit mode processes namespaces mounts row',
  'a time': 'at waitedMs',
  'what is counted one by one in a file': 'count refused unknown',
};
const bounded = new Set(Object.values(BOUNDED).flatMap((names) => names.split(' ')));
const isUnbounded = (path: string): boolean => !bounded.has(/(\w+)(?:\[\])?$/.exec(path)?.[1] ?? '');

/** Paths of the integers that cannot be text. */
function integersOf(schema: Schema, path: string): string[] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, one]) => integersOf(one, `${path}.${name}`)),
    ...(schema.items ? integersOf(schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? integersOf(schema.additionalProperties, `${path}.*`) : []),
  ];
  const text = schema.anyOf?.some(({ pattern }) => pattern === decimal().pattern);
  const others = text ? [] : (schema.anyOf ?? []).flatMap((one) => integersOf(one, path));
  return [...(schema.type === 'integer' ? [path] : []), ...below, ...others];
}

describe('the schemas', () => {
  it('are those of all commands, and of errors: a new command brings its own', () => {
    assert.deepEqual([...SCHEMAS.keys()].sort(), [...commands.map(({ id }) => id), ERROR].sort());
  });

  it('are each held against what the real command prints, by a lab test', () => {
    assert.deepEqual(Object.values(HELD_IN).flat().sort(), [...SCHEMAS.keys()].sort());
    for (const file of Object.keys(HELD_IN)) {
      const text = readFileSync(join(packageRoot(), 'test/lab', `${file}.test.ts`), 'utf8');
      assert.ok(text.includes(`holdsItsSchemas('${file}')`), file);
    }
  });

  it('all ask for schemaVersion 1', () => {
    for (const [name, schema] of SCHEMAS)
      for (const one of schema.anyOf ?? [schema]) {
        assert.deepEqual(one.properties?.schemaVersion, { const: 1 }, name);
        assert.ok(one.required?.includes('schemaVersion'), name);
      }
  });

  it('have no integer that can grow over 2^53, where jq would round it', () => {
    assert.deepEqual([...SCHEMAS].flatMap(([name, schema]) => integersOf(schema, name)).filter(isUnbounded), []);
  });

  it('describe every error of the table', () => {
    for (const code of Object.keys(ERRORS) as (keyof typeof ERRORS)[]) {
      const details = new Proxy({}, { get: () => 'x', has: () => true });
      const error = new TsflannelError(code as 'INTERNAL', details as { detail: string });
      assert.deepEqual(schemaFaults(SCHEMAS.get(ERROR) as Schema, errorData(error, 'tsflannel up')), [], code);
    }
  });
});

describe('holding a value against a schema', () => {
  const schema = object({ name: text(), kind: word('a', 'b'), sizes: optional(list(count())), of: orNull(text()) });
  const faults = (value: unknown) => schemaFaults(schema, value);

  it('finds nothing where it fits', () => {
    assert.deepEqual(faults({ name: 'x', kind: 'a', of: null }), []);
    assert.deepEqual(faults({ name: 'x', kind: 'b', of: 'y', sizes: [0, 7] }), []);
  });

  it('finds what is missing, of another type, out of range or not described', () => {
    assert.deepEqual(faults({ name: 'x', kind: 'a' }), ['$.of is missing']);
    assert.deepEqual(faults({ name: 1, kind: 'c', of: null }), [
      '$.name is 1, no string',
      '$.kind is "c", none of a,b',
    ]);
    assert.deepEqual(faults({ name: 'x', kind: 'a', of: null, sizes: [-1, 1.5] }), [
      '$.sizes[0] is -1, too small',
      '$.sizes[1] is 1.5, no integer',
    ]);
    assert.deepEqual(faults({ name: 'x', kind: 'a', of: 3 }), ['$.of is 3, no string']);
    assert.deepEqual(faults({ name: 'x', kind: 'a', of: null, more: 1 }), ['$.more is not described']);
    assert.deepEqual(faults([]), ['$ is [], no object']);
  });

  it('refuses a keyword that it does not check', () => {
    assert.match(schemaFaults({ maximum: 3 } as Schema, 5)[0] ?? '', /maximum/);
  });
});
