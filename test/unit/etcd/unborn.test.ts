import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isEmptyLog, removeUnborn } from '../../../src/etcd/unborn.ts';

/** A record as etcd writes it: padded to eight bytes, its length and padding before it. */
function record(kind: number, size: number): Buffer {
  const body = Buffer.alloc(size, 0x22);
  body[0] = 0x08;
  body[1] = kind;
  const padding = (8 - (size % 8)) % 8;
  const head = Buffer.alloc(8);
  head.writeUIntLE(size, 0, 6);
  if (padding > 0) head[7] = 0x80 | padding;
  return Buffer.concat([head, body, Buffer.alloc(padding)]);
}
const [METADATA, ENTRY, STATE, CRC, SNAPSHOT] = [1, 2, 3, 4, 5] as const;
const ZEROS = Buffer.alloc(512);
const BORN = [record(CRC, 4), record(METADATA, 27), record(SNAPSHOT, 13)];

describe('etcd/unborn', () => {
  it('tells a log that has begun from one that holds nothing yet', () => {
    assert.ok(isEmptyLog(Buffer.concat([...BORN, ZEROS])));
    for (const kind of [ENTRY, STATE]) assert.ok(!isEmptyLog(Buffer.concat([...BORN, record(kind, 9), ZEROS])));
    // What it does not know it leaves alone.
    for (const other of [Buffer.concat(BORN), Buffer.alloc(0), Buffer.from('something else entirely, as text')])
      assert.ok(!isEmptyLog(other));
  });

  it('removes what is unborn, and nothing that holds more', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tsflannel-unborn-'));
    const wal = join(dir, 'member', 'wal');
    const snap = join(dir, 'member', 'snap');
    const put = (...names: string[]) => {
      for (const folder of [wal, snap]) mkdirSync(folder, { recursive: true });
      for (const name of names) writeFileSync(join(wal, name), Buffer.concat([...BORN, ZEROS]));
    };
    try {
      assert.equal(await removeUnborn(dir), false);
      put('0-0.wal');
      assert.equal(await removeUnborn(dir), true);
      assert.ok(!existsSync(join(dir, 'member')));
      put('0-0.wal', '1-5.wal');
      assert.equal(await removeUnborn(dir), false);
      rmSync(join(wal, '1-5.wal'));
      writeFileSync(join(snap, '0-1.snap'), '');
      assert.equal(await removeUnborn(dir), false);
      assert.ok(existsSync(join(wal, '0-0.wal')));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
