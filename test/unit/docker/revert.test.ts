import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerApi } from '../../../src/docker/api.ts';
import type { Gathered } from '../../../src/docker/gather.ts';
import { continueJournal, type Journal, readJournal, toStartAgain, writeJournal } from '../../../src/docker/journal.ts';
import { planRevert } from '../../../src/docker/revert.ts';

const FORMER = '{ "debug": true, "mtu": 9000 }';
const OURS = '{"debug":true,"mtu":1450,"bip":"172.17.57.1/24","ip-masq":false}\n';
const docker0 = (address: string) => ({ addresses: [address], bip: address });

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsflannel-revert-'));
  path = join(dir, 'daemon.json');
});
afterEach(() => rm(dir, { recursive: true }));

const journal = (former: string | undefined = FORMER): Journal => ({
  version: 1,
  before: { files: [{ path, text: former }], argv: ['dockerd', '--mtu=9000'], docker0: docker0('172.17.0.1/16') },
  after: { files: [{ path, text: OURS }], argv: ['dockerd'], docker0: docker0('172.17.57.1/24') },
  process: undefined,
});

const gathered = (text: string | undefined, argv: readonly string[]): Gathered => ({
  service: {
    ...{ kind: 'process', label: 'process 7', argv, ownArgv: true },
    isRunning: async () => true,
    stop: async () => undefined,
    start: async () => ({ failed: async () => undefined }),
    close: () => undefined,
  },
  ...{ spec: undefined, unit: undefined, journal: undefined, info: undefined, version: undefined, running: [] },
  api: dockerApi('/nowhere'),
  facts: {
    ...{ label: 'process 7', argv, ownArgv: true, tellConfigFile: false, envFile: undefined },
    daemonJson: { path, text },
    docker0: ['172.17.57.1/24'],
    bridge: { subnet: '172.17.57.0/24', gateway: '172.17.57.1', mtu: 1450, ipMasq: false, containers: 0 },
    ...{ directRouting: 'open', rawSwitch: false },
  },
});

/** The plan when daemon.json holds this text now. */
async function planned(text: string | undefined, argv: readonly string[], former?: string) {
  if (text !== undefined) await writeFile(path, text);
  const change = await planRevert(gathered(text, argv), journal(former));
  return { ...change, text: change.files[0] ? change.files[0].after : text };
}

describe('docker/revert', () => {
  it('gives every byte and flag back where nobody else wrote', async () => {
    // The option that is in the file now must not be a flag as well.
    const { text, argv, docker0 } = await planned(OURS, ['dockerd'], '{ "debug": true }');
    assert.equal(text, '{ "debug": true }');
    assert.deepEqual(argv.after, ['dockerd', '--mtu=9000']);
    assert.deepEqual(docker0.after?.addresses, ['172.17.0.1/16']);
  });

  it('leaves out of the command line what the former file says too', async () => {
    const { text, argv } = await planned(OURS, ['dockerd']);
    assert.equal(text, FORMER);
    assert.deepEqual(argv.after, ['dockerd']);
  });

  it('takes a file away that was not there', async () => {
    await writeFile(path, OURS);
    const bare: Journal = { ...journal(), before: { ...journal().before, files: [{ path, text: undefined }] } };
    const { files } = await planRevert(gathered(OURS, ['dockerd']), bare);
    assert.deepEqual(files, [{ path, before: OURS, after: undefined }]);
  });

  it('keeps what others wrote since, and puts only our keys back', async () => {
    const { text } = await planned(OURS.replace('"debug":true', '"debug":true,"log-level":"warn"'), ['dockerd']);
    assert.deepEqual(JSON.parse(text ?? ''), { debug: true, 'log-level': 'warn', mtu: 9000 });
  });

  it('knows the file of a start in between for its own', async () => {
    const { text } = await planned('{\n  "debug": true,\n  "mtu": 9000,\n  "bip": "172.17.0.1/16"\n}\n', ['dockerd']);
    assert.equal(text, FORMER);
  });

  it('of a dockerd that was started anew with other flags only ours go back', async () => {
    const { argv } = await planned(OURS, ['dockerd', '--label=new', '--mtu=1450'], '{}');
    assert.deepEqual(argv.after, ['dockerd', '--label=new', '--mtu=9000']);
  });

  it('needs nothing where all is as before', async () => {
    await writeFile(path, FORMER);
    const same = gathered(FORMER, ['dockerd']);
    const facts = { ...same.facts, docker0: ['172.17.0.1/16'] };
    assert.equal((await planRevert({ ...same, facts }, journal())).needed, false);
  });
});

describe('docker/revert after a run that was killed', () => {
  it('starts a dockerd that it left down with everything else put back', async () => {
    await writeFile(path, FORMER);
    const before = { files: [{ path, text: FORMER }], argv: ['dockerd'], docker0: docker0('172.17.57.1/24') };
    const down = gathered(FORMER, ['dockerd']);
    assert.equal((await planRevert(down, { ...journal(), before })).needed, false);
    assert.equal((await planRevert(down, { ...journal(), before, stopped: [] })).needed, true);
  });

  it('starts the containers that ran before it, and those that run now', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ id: name.repeat(64), name }));
    const stopped = { ...journal(), stopped: [a!, b!] };
    assert.deepEqual(toStartAgain(stopped, [b!, c!]), [a, b, c]);
    assert.deepEqual(toStartAgain(undefined, [c!]), [c]);
  });
});

describe('docker/journal', () => {
  it('is written for root alone, read back, and removed', async () => {
    assert.equal(await readJournal(dir), undefined);
    await writeJournal(dir, journal());
    assert.equal((await stat(join(dir, 'docker-apply.json'))).mode & 0o777, 0o600);
    assert.deepEqual(await readJournal(dir), JSON.parse(JSON.stringify(journal())));
    await writeJournal(dir, undefined);
    await writeJournal(dir, undefined);
    assert.equal(await readJournal(dir), undefined);
  });

  it('refuses one that is damaged or of another version', async () => {
    const file = join(dir, 'docker-apply.json');
    const good = JSON.parse(JSON.stringify(journal()));
    const process = { exe: '/x', argv: ['x'], cwd: '/', mounts: 'mnt:[1]', env: { A: 1 } };
    const others = [
      { ...good, stopped: [{ id: '../../images', name: 'x' }] },
      { ...good, stopped: 7 },
      { ...good, wish: { docker0Length: '25' } },
      { ...good, wish: { envFile: '/x' } },
    ];
    const bad = ['', '{', '[]', { ...good, version: 2 }, { ...good, before: {} }, { ...good, process }, ...others];
    for (const text of bad) {
      await writeFile(file, typeof text === 'string' ? text : JSON.stringify(text));
      await assert.rejects(readJournal(dir), { code: 'DOCKER_CONFIG' });
    }
    await chmod(file, 0o600);
    assert.ok((await readFile(file)).length > 0);
  });

  it('keeps what was before the first apply, and of files that later ones touch too', () => {
    const latest = {
      before: {
        files: [
          { path, text: OURS },
          { path: '/env', text: 'A=1' },
        ],
        argv: ['dockerd'],
        docker0: undefined,
      },
      after: { files: [{ path: '/env', text: 'A=2' }], argv: ['dockerd', '-D'], docker0: undefined },
      process: undefined,
    };
    const { before, after } = continueJournal(journal(), latest);
    assert.deepEqual(before.files, [
      { path, text: FORMER },
      { path: '/env', text: 'A=1' },
    ]);
    assert.deepEqual(before.argv, ['dockerd', '--mtu=9000']);
    assert.deepEqual(before.docker0, docker0('172.17.0.1/16'));
    assert.deepEqual(after.files, [
      { path: '/env', text: 'A=2' },
      { path, text: OURS },
    ]);
    assert.deepEqual(after.argv, ['dockerd', '-D']);
  });
});
