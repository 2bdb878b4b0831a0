import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKS } from '../../../src/doctor/doctor.ts';
import { EXPLANATIONS, explain, near } from '../../../src/doctor/explain.ts';
import { ERRORS } from '../../../src/errors.ts';
import { LOG_EVENTS } from '../../../src/model/log-events.ts';
import { REJECTIONS } from '../../../src/model/rejections.ts';
import { packageRoot } from '../../../src/root.ts';

describe('explain', () => {
  it('knows every error, every check and every event, and says what, why and what to type', () => {
    for (const name of [...Object.keys(ERRORS), ...CHECKS.map(({ id }) => id), ...Object.keys(LOG_EVENTS)]) {
      const found = explain(name);
      assert.ok(found.length > 0, name);
      for (const { what, why, fix } of found) assert.ok(what !== '' && why !== '' && fix.length > 0, name);
    }
    const braces = EXPLANATIONS.filter((one) => /\{\w+\}/.test([one.what, one.why, ...one.fix].join(' ')));
    assert.deepEqual(braces, []);
  });

  it('knows every reason for which a value in etcd is refused', () => {
    const parsers = ['lease', 'parsed', 'network-config', 'backend-config'].map((name) => `model/${name}.ts`);
    const text = [...parsers, 'store/view.ts', 'store/verdicts.ts']
      .map((file) => readFileSync(join(packageRoot(), 'src', file), 'utf8'))
      .join();
    const codes = new Set([...text.matchAll(/\breject\(\s*'([A-Z_0-9]+)'/g)].map(([, code = '']) => code));
    assert.ok(codes.size > 15, String(codes.size));
    assert.deepEqual([...codes].sort(), Object.keys(REJECTIONS).sort());
    for (const code of codes)
      assert.ok(
        explain(code).some(({ kind }) => kind === 'rejection'),
        code,
      );
  });

  it('takes names in any case, and tells apart what shares one', () => {
    assert.deepEqual(
      explain('Lease').map(({ kind }) => kind),
      ['check', 'event'],
    );
    assert.equal(explain('etcd_unreachable')[0]?.exit, 69);
    assert.deepEqual(explain('__proto__'), []);
  });

  it('suggests names that are near', () => {
    assert.equal(near('ETCD_UNREACHABEL')[0], 'ETCD_UNREACHABLE');
    assert.equal(near('forwrd')[0], 'forward');
    assert.ok(near('docker').includes('docker0'));
    assert.deepEqual(near('x'.repeat(10_000)), []);
  });
});

describe('the events of the log', () => {
  it('are all logged somewhere: that each logged one is known is for the types', async () => {
    let text = '';
    for await (const file of glob('src/**/*.ts', { cwd: packageRoot() }))
      if (!file.endsWith('log-events.ts')) text += readFileSync(join(packageRoot(), file), 'utf8');
    const unused = Object.keys(LOG_EVENTS).filter((name) => !text.includes(`'${name}'`));
    assert.deepEqual(unused, []);
  });
});
