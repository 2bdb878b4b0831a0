import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, TsflannelError } from '../../../src/errors.ts';
import { errorData } from '../../../src/output/command.ts';
import { packageRoot } from '../../../src/root.ts';
import { count, list, object, optional, orNull, type Schema, text, word } from '../../../src/schema/build.ts';
import { ERROR, SCHEMAS } from '../../../src/schema/schema.ts';
import { HELD_IN } from '../../support/held.ts';
import { schemaFaults } from '../../support/json-schema.ts';
import { commands } from '../../support/program.ts';

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
