import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeView, keepView, readCached } from '../../../src/daemon/cached.ts';
import type { NodeState } from '../../../src/files/node-state.ts';
import { readView, type SavedView, viewFilePath, writeView } from '../../../src/files/view-file.ts';
import { printLease } from '../../../src/model/lease.ts';
import { createTestClock, settle } from '../../support/clock.ts';
import { configKv, kvOf, NET } from '../../support/kvs.ts';
import { until } from '../../support/until.ts';
import { announcementOf, nodeId, prefix } from '../../support/values.ts';

const state: NodeState = { nodeId: nodeId(1), subnet: prefix('10.5.1.0/24'), created: [] };
const ownKv = kvOf('subnets/10.5.1.0-24', printLease(announcementOf(1)), 12);
const peerKv = kvOf('subnets/10.5.2.0-24', printLease(announcementOf(2)), 13);

const savedView = (change: Partial<SavedView> = {}): SavedView => ({
  ...{ nodeId: nodeId(1), prefix: NET, clusterId: 2n ** 63n + 5n, revision: 13n },
  ...{ kvs: [configKv(10), ownKv, peerKv], savedAt: '2026-03-01T10:00:00.000Z' },
  ...change,
});

const diskAt = (stateDir: string) => ({
  readView: () => readView(stateDir),
  keepView: (view: SavedView) => writeView(stateDir, view),
});

describe('the view on disk', () => {
  let stateDir = '';
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'view-'));
  });
  afterEach(() => rm(stateDir, { recursive: true }));

  it('is read back as it was written, by its owner only', async () => {
    await writeView(stateDir, savedView());
    assert.deepEqual(await readView(stateDir), { ok: true, value: savedView() });
    assert.equal((await stat(viewFilePath(stateDir))).mode & 0o777, 0o600);
  });

  it('is as if it were not there with one bit changed, and the log says why', async () => {
    await writeView(stateDir, savedView());
    const text = await readFile(viewFilePath(stateDir), 'utf8');
    const said: string[] = [];
    for (const damaged of [text.replace('10.5.2.0-24', '10.5.3.0-24'), text.slice(0, -20), '', '\0'.repeat(64), '[]']) {
      await writeFile(viewFilePath(stateDir), damaged);
      const from = { disk: diskAt(stateDir), prefix: NET };
      assert.equal(await readCached(state, from, (event, detail) => said.push(`${event}: ${detail}`)), undefined);
    }
    assert.equal(said.length, 5);
    assert.match(said[0] ?? '', /cache-refused: .* checksum/);
  });

  it('gives back the network and the subnet that was held', () => {
    const judged = judgeView(savedView(), state, NET);
    assert.ok(judged.ok);
    assert.deepEqual(judged.value.held, {
      ...{ key: ownKv.key, leaseId: 77n, modRevision: 12n, resumed: true },
      subnet: prefix('10.5.1.0/24'),
    });
  });

  for (const [what, saved, who, at] of [
    ['another prefix', savedView(), state, '/other'],
    ['another node', savedView(), { ...state, nodeId: nodeId(9) }, NET],
    ['another network', savedView({ kvs: [configKv(10, { Network: '10.9.0.0/16' }), ownKv] }), state, NET],
    ['no config', savedView({ kvs: [ownKv] }), state, NET],
    ['a hostile config', savedView({ kvs: [configKv(10, { Network: '0.0.0.0/0; reboot' }), ownKv] }), state, NET],
    ['a subnet that is another one', savedView(), { ...state, subnet: prefix('10.5.7.0/24') }, NET],
    ['no subnet of this node', savedView({ kvs: [configKv(10), peerKv] }), state, NET],
    ['a node that gave its subnet back', savedView(), { nodeId: nodeId(1), created: [] }, NET],
  ] as const)
    it(`refuses ${what}`, () => assert.equal(judgeView(saved, who, at).ok, false));

  it('is written at once, then at most every two seconds, and at the end', async () => {
    const clock = createTestClock();
    let revision = 1n;
    const content = () => savedView({ revision: revision++ });
    const keeper = keepView({ disk: diskAt(stateDir), clock, content, log: assert.fail });
    const written = async () => {
      const view = await readView(stateDir);
      return view?.ok ? view.value.revision : undefined;
    };
    keeper.changed();
    await until('the first write', async () => (await written()) === 1n);
    for (let i = 0; i < 100; i++) keeper.changed();
    await clock.advance(1_999);
    assert.equal(await written(), 1n);
    await clock.advance(1);
    await until('the second write', async () => (await written()) === 2n);
    keeper.changed();
    await keeper.close();
    assert.equal(await written(), 3n);
    await settle();
    await clock.advance(10_000);
    assert.equal(clock.pending(), 0);
  });

  it('says once that it cannot be written, and goes on', async () => {
    const clock = createTestClock();
    const said: string[] = [];
    const file = join(stateDir, 'file');
    await writeFile(file, '');
    const content = () => savedView();
    const keeper = keepView({ disk: diskAt(file), clock, content, log: (event) => said.push(event) });
    for (let i = 0; i < 3; i++) {
      keeper.changed();
      await clock.advance(2_000);
    }
    await keeper.close();
    assert.deepEqual(said, ['cache-failed']);
  });
});
