import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import { makeFolders, removeEmptyFolders } from '../../../src/files/folders.ts';
import {
  forgetNode,
  isKnownNode,
  type NodeState,
  readNodeState,
  writeNodeState,
} from '../../../src/files/node-state.ts';
import { clearRunDir, livingPid, logPath, socketPath, writePid } from '../../../src/files/run-dir.ts';
import { NODE_ID } from '../../../src/model/lease.ts';
import { nodeId, prefix } from '../../support/values.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsflannel-files-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('what a node remembers', () => {
  const whole: NodeState = {
    nodeId: nodeId(7),
    subnet: prefix('10.5.7.0/24'),
    ipForwardBefore: '0',
    created: ['/run/flannel'],
    subnetFile: '/run/flannel/subnet.env',
  };
  const file = () => join(dir, 'node.json');

  it('is read as it was written, by root alone', async () => {
    await writeNodeState(dir, whole);
    assert.deepEqual(await readNodeState(dir), whole);
    assert.equal((await stat(file())).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dir), ['node.json']);
  });

  it('is a new node where there is nothing, and nothing is written', async () => {
    const first = await readNodeState(dir);
    assert.match(first.nodeId, NODE_ID);
    assert.notEqual((await readNodeState(dir)).nodeId, first.nodeId);
    assert.deepEqual(first.created, []);
    assert.equal(await isKnownNode(dir), false);
  });

  it('is a new node where the file is damaged', async () => {
    for (const text of [
      '',
      'x',
      '[]',
      '{"nodeId":"../../etc"}',
      '{"nodeId":7}',
      '{"nodeId":"abc"}',
      '\0'.repeat(100),
    ]) {
      await writeFile(file(), text);
      assert.match((await readNodeState(dir)).nodeId, /^[0-9a-f]{32}$/, text);
    }
  });

  it('keeps its id where only other parts are damaged, which are left out', async () => {
    const odd = {
      nodeId: nodeId(7),
      subnet: '10.5.7.1/24',
      ipForwardBefore: 2,
      created: ['/a', 'b', 7, '/c\0d'],
      subnetFile: '../x',
    };
    await writeFile(file(), JSON.stringify(odd));
    assert.deepEqual(await readNodeState(dir), { nodeId: nodeId(7), created: ['/a'] });
  });

  it('is forgotten', async () => {
    await writeNodeState(dir, whole);
    assert.equal(await isKnownNode(dir), true);
    await forgetNode(dir);
    assert.equal(await isKnownNode(dir), false);
    await forgetNode(dir);
  });

  it('says when it cannot be written', async () => {
    await writeFile(join(dir, 'file'), '');
    await assert.rejects(
      writeNodeState(join(dir, 'file'), whole),
      (error) => error instanceof TsflannelError && error.code === 'FILE_FAILED',
    );
  });
});

describe('folders', () => {
  it('made are told, outermost first; those that were there are not', async () => {
    await mkdir(join(dir, 'a'));
    const [b, c] = [join(dir, 'a', 'b'), join(dir, 'a', 'b', 'c')];
    assert.deepEqual(await makeFolders([c, dir, b]), [b, c]);
    assert.equal((await stat(c)).mode & 0o777, 0o755);
    assert.deepEqual(await makeFolders([c]), []);
  });

  it('are removed when they are empty, in any order given', async () => {
    const made = await makeFolders([join(dir, 'a', 'b'), join(dir, 'x', 'y')]);
    await writeFile(join(dir, 'x', 'used'), '');
    await removeEmptyFolders([...made, join(dir, 'missing')]);
    assert.deepEqual(await readdir(dir), ['x']);
    assert.deepEqual(await readdir(join(dir, 'x')), ['used']);
  });

  it('say when they cannot be made', async () => {
    await writeFile(join(dir, 'file'), '');
    await assert.rejects(
      makeFolders([join(dir, 'file', 'x')]),
      (error) => error instanceof TsflannelError && error.code === 'FILE_FAILED',
    );
  });
});

describe('the run folder', () => {
  it('knows a daemon that lives', async () => {
    assert.equal(await livingPid(dir), undefined);
    await writePid(dir);
    assert.equal(await livingPid(dir), process.pid);
    assert.equal(await readFile(join(dir, 'daemon.pid'), 'utf8'), `${process.pid}\n`);
  });

  it('takes nothing else for a pid', async () => {
    for (const text of ['', '0', '-1', '01', '1 2', 'x', '1e3', '4194304999', '99999999999']) {
      await writeFile(join(dir, 'daemon.pid'), text);
      assert.equal(await livingPid(dir), undefined, text);
    }
  });

  it('is cleared of what a daemon put there; its log only when asked', async () => {
    await writePid(dir);
    for (const path of [socketPath(dir), logPath(dir), join(dir, 'other')]) await writeFile(path, '');
    await clearRunDir(dir, { log: false });
    assert.deepEqual((await readdir(dir)).sort(), ['daemon.log', 'other']);
    await clearRunDir(dir, { log: true });
    assert.deepEqual(await readdir(dir), ['other']);
  });
});
