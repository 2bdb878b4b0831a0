/** What lies on disk or comes over the control socket, whoever wrote it: a value, or an error of ours. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ask } from '../../../src/control/client.ts';
import { METHODS } from '../../../src/control/protocol.ts';
import { type Handlers, serveControl } from '../../../src/daemon/control-server.ts';
import { readJournal } from '../../../src/docker/journal.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { readNodeState } from '../../../src/files/node-state.ts';
import { NODE_ID } from '../../../src/model/lease.ts';
import { HOSTILE_FRAMES, HOSTILE_JOURNALS, HOSTILE_NODES, HOSTILE_TEXTS } from '../../corpus/hostile.ts';

/** Files are written, sockets opened: fewer than of texts alone. */
const RUNS = Number(process.env.TSFLANNEL_FUZZ ?? 200);

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.constantFrom(
    ...[...HOSTILE_JOURNALS, ...HOSTILE_NODES, ...HOSTILE_FRAMES, ...HOSTILE_TEXTS],
    '['.repeat(50_000),
    '\u0000',
    'null',
  ),
);

describe('hostile state', function () {
  this.timeout(Math.max(120_000, RUNS * 20));
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-hostile-'));
  });
  after(() => rm(dir, { recursive: true }));

  it('on disk: a node with an id in any case, a journal or DOCKER_CONFIG', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        await writeFile(join(dir, 'node.json'), text);
        await writeFile(join(dir, 'docker-apply.json'), text);
        const node = await readNodeState(dir);
        assert.match(node.nodeId, NODE_ID);
        assert.ok(node.created.every((path) => path.startsWith('/')));
        await readJournal(dir).then(
          () => assert.fail('it was believed'),
          (error) => assert.ok(error instanceof TsflannelError && error.code === 'DOCKER_CONFIG', String(error)),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('on the control socket: refused or ended, and the next one is answered', async () => {
    const names = METHODS.map((name) => [name, async () => ({ name })]);
    const server = await serveControl(dir, Object.fromEntries(names) as unknown as Handlers);
    const say = (bytes: Uint8Array | string): Promise<string> =>
      new Promise((resolve) => {
        let text = '';
        const socket = createConnection({ path: join(dir, 'control.sock'), allowHalfOpen: true });
        socket.on('data', (part) => {
          text += part.toString();
        });
        socket.on('error', () => socket.destroy());
        socket.on('end', () => socket.destroy());
        socket.on('close', () => resolve(text));
        socket.end(bytes);
      });
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      anyText.map((text) => `${text}\n`),
    );
    try {
      await fc.assert(
        fc.asyncProperty(anyBytes, async (bytes) => {
          const said = await say(bytes);
          assert.ok(said === '' || JSON.parse(said).error.code === 'USAGE', said);
        }),
        { numRuns: RUNS / 2 },
      );
      assert.deepEqual(await ask(dir, 'ping'), { name: 'ping' });
    } finally {
      await server.close();
    }
  });
});
