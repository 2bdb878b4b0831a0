import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatIn, render } from '../../../src/output/format.ts';
import { yaml } from '../../../src/output/yaml.ts';
import { commands } from '../../support/program.ts';

/** Reads back what yaml() writes: block lists and objects, JSON's scalars, plain words. */
function read(lines: string[]): unknown {
  const scalar = (text: string): unknown =>
    /^[A-Za-z]/.test(text) && !/^(true|false|null)$/.test(text) ? text : JSON.parse(text);
  const [first = ''] = lines;
  if (!/^- |^("(?:[^"\\]|\\.)*"|[A-Za-z][\w./-]*):( |$)/.test(first)) return scalar(first);
  const parts: string[][] = [];
  for (const line of lines) /^ /.test(line) ? parts.at(-1)?.push(line.slice(2)) : parts.push([line]);
  if (first.startsWith('- ')) return parts.map(([head = '', ...rest]) => read([head.slice(2), ...rest]));
  return Object.fromEntries(
    parts.map(([head = '', ...rest]) => {
      const [, key = '', value = ''] = /^("(?:[^"\\]|\\.)*"|[^:]+):(?: (.*))?$/.exec(head) ?? [];
      return [scalar(key), rest.length > 0 ? read(rest) : scalar(value)];
    }),
  );
}

describe('-o yaml', () => {
  it('is block style, with every string quoted that could be something else', () => {
    const value = {
      schemaVersion: 1,
      routes: [
        { node: 'n1', subnet: '10.1.0.0/24', detail: 'a: b', left: 1.5, age: null },
        { node: 'no', tags: [], of: {} },
      ],
      nested: [[1, 2], 'x'],
      empty: '',
    };
    assert.equal(
      yaml(value),
      [
        'schemaVersion: 1',
        'routes:',
        '  - node: n1',
        '    subnet: "10.1.0.0/24"',
        '    detail: "a: b"',
        '    left: 1.5',
        '    age: null',
        '  - node: "no"',
        '    tags: []',
        '    of: {}',
        'nested:',
        '  - - 1',
        '    - 2',
        '  - x',
        'empty: ""',
      ].join('\n'),
    );
  });

  it('loses nothing, and holds no character that is not printable', () => {
    fc.assert(
      fc.property(
        fc.object({ values: [fc.string({ unit: 'binary' }), fc.string(), fc.integer(), fc.boolean()] }),
        (made) => {
          const value = JSON.parse(JSON.stringify(made));
          fc.pre(Object.keys(value).length > 0);
          const text = yaml(value);
          assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/);
          assert.deepEqual(read(text.split('\n')), value);
        },
      ),
    );
  });
});

describe('the format that is asked for', () => {
  it('is looked up in argv, as far as it is the own one', () => {
    const of = (line: string) => formatIn(line.split(' '));
    assert.deepEqual(
      [
        'routes',
        'routes --json',
        'routes -o jsonl',
        'routes -oyaml',
        'routes --output=yaml',
        'routes --output json',
      ].map(of),
      ['table', 'json', 'jsonl', 'yaml', 'yaml', 'json'],
    );
    assert.deepEqual(
      ['lab exec n1 -- x --json', 'x -o', 'x -o xml', 'x -o yaml -o table'].map(of),
      Array(4).fill('table'),
    );
  });

  it('jsonl: an item a line; a document without a list on one line', async () => {
    const document = { schemaVersion: 1, daemon: true, routes: [{ node: 'n1', id: 7n }, { node: 'n2' }] };
    assert.equal(
      await render('jsonl', document, 'routes'),
      '{"schemaVersion":1,"node":"n1","id":"7"}\n{"schemaVersion":1,"node":"n2"}',
    );
    assert.equal(await render('jsonl', { schemaVersion: 1, a: 2 }), '{"schemaVersion":1,"a":2}');
    assert.equal(await render('jsonl', { schemaVersion: 1, routes: [] }, 'routes'), '');
  });

  it('can be asked for where a command lists', () => {
    const lists = commands.filter(({ flags }) => flags.output).map(({ id }) => id);
    const named = commands.map(({ id }) => id).filter((id) => / list$/.test(id));
    for (const id of ['routes', 'leases', 'plan', 'doctor', ...named]) assert.ok(lists.includes(id), id);
  });
});
