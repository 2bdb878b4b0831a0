import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { execWord, UNIT, unitText } from '../../../src/etcd/unit.ts';

describe('etcd/unit', () => {
  it('quotes what systemd would read as more than letters', () => {
    assert.equal(execWord('/var/lib/a b'), '"/var/lib/a b"');
    assert.equal(execWord('a"b\\c%d$e'), '"a\\"b\\\\c%%d$$e"');
  });

  it('refuses a folder that would end the line', async () => {
    await assert.rejects(unitText('/a\nExecStartPre=/bin/false', '/run'), /systemd does not run/);
  });

  it('is a unit as systemd-analyze wants it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tsflannel-unit-'));
    try {
      const text = await unitText('/var/lib/tsflannel/et cd$x', '/run/tsflannel');
      assert.doesNotMatch(text, /\{exec\}/);
      writeFileSync(join(dir, UNIT), text);
      const { exitCode, stderr } = await execa('systemd-analyze', ['verify', join(dir, UNIT)], { reject: false });
      assert.deepEqual([exitCode, stderr.split('\n').filter((line) => line.includes(UNIT))], [0, []]);
      writeFileSync(join(dir, UNIT), text.replace('Restart=on-failure', 'Restart=of-course'));
      const broken = await execa('systemd-analyze', ['verify', join(dir, UNIT)], { reject: false });
      assert.match(broken.stderr, /of-course/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
