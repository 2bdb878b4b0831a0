/** The switch on a dockerd that is nothing but state: every step fails once, and once Ctrl-C comes at it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DockerApi } from '../../../src/docker/api.ts';
import { type DockerHost, type Switch, switchDocker } from '../../../src/docker/switch.ts';

const FORMER = '{"debug": true}';
const NEW = '{"debug": true, "bip": "172.17.57.1/24"}';

/** What may be made to fail: each call has its number. */
interface Fault {
  readonly at: number;
  readonly how: 'fail' | 'interrupt';
}

/** A host whose dockerd remembers the bip it last ran with, as the real one does. */
async function fakeHost(dir: string, fault: Fault | undefined) {
  const path = join(dir, 'daemon.json');
  await writeFile(path, FORMER);
  const controller = new AbortController();
  const calls: string[] = [];
  const docker = { runs: true, argv: ['dockerd'], remembered: '172.17.0.1/16', containers: new Set(['a', 'b']) };
  let docker0 = ['172.17.0.1/16'];
  const step = (name: string): void => {
    calls.push(name);
    if (calls.length !== fault?.at) return;
    if (fault.how === 'fail') throw new Error(`${name} fails`);
    controller.abort();
  };
  const api: DockerApi = {
    socket: join(dir, 'socket'),
    ping: async () => docker.runs,
    info: async () => ({ version: '0', liveRestore: false }),
    running: async () => [...docker.containers].map((id) => ({ id, name: id })),
    bridge: async () => ({ subnet: undefined, gateway: undefined, mtu: undefined, ipMasq: undefined, containers: 0 }),
    async start(id) {
      docker.containers.add(id);
      return true;
    },
    async stop(id) {
      step(`stop ${id}`);
      docker.containers.delete(id);
    },
  };
  const host: DockerHost = {
    api,
    signal: controller.signal,
    notice: () => undefined,
    service: {
      kind: 'process',
      label: 'fake',
      argv: ['dockerd'],
      ownArgv: true,
      isRunning: async () => docker.runs,
      async stop() {
        step('stop dockerd');
        docker.runs = false;
        docker.containers.clear();
      },
      async start(argv) {
        step('start dockerd');
        docker.runs = true;
        docker.argv = [...argv];
        docker.remembered = JSON.parse(await readFile(path, 'utf8')).bip ?? docker.remembered;
        docker0 = [docker.remembered];
        return { failed: async () => undefined };
      },
      close: () => undefined,
    },
    bridge: {
      addresses: async () => docker0,
      mtu: async () => 1500,
      async setAddresses(wanted) {
        step('set docker0');
        docker0 = [...wanted];
      },
    },
  };
  const shows = async () => ({
    text: await readFile(path, 'utf8'),
    docker0,
    runs: docker.runs,
    argv: docker.argv,
    containers: [...docker.containers].sort(),
  });
  const change: Switch = {
    from: {
      state: {
        files: [{ path, text: FORMER }],
        argv: ['dockerd'],
        docker0: { addresses: ['172.17.0.1/16'], bip: '172.17.0.1/16' },
      },
      daemonJson: { path, text: FORMER },
      pin: { path, text: '{"bip": "172.17.0.1/16"}' },
    },
    to: {
      state: {
        files: [{ path, text: NEW }],
        argv: ['dockerd', '-D'],
        docker0: { addresses: ['172.17.57.1/24'], bip: '172.17.57.1/24' },
      },
      daemonJson: { path, text: NEW },
      pin: undefined,
    },
    ran: true,
    running: await api.running(),
    stopContainers: true,
    verify: async () => step('verify'),
  };
  return { host, change, shows, calls };
}

describe('docker/switch', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-switch-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const STEPS = ['stop b', 'stop a', 'stop dockerd', 'set docker0', 'start dockerd', 'verify'];

  it('goes step by step, and starts the containers again', async () => {
    const { host, change, shows, calls } = await fakeHost(dir, undefined);
    await switchDocker(host, change);
    assert.deepEqual(calls, STEPS);
    assert.deepEqual(await shows(), {
      text: NEW,
      docker0: ['172.17.57.1/24'],
      runs: true,
      argv: ['dockerd', '-D'],
      containers: ['a', 'b'],
    });
  });

  for (const how of ['fail', 'interrupt'] as const)
    for (const [index, name] of STEPS.entries())
      it(`puts everything back when ${name} ${how === 'fail' ? 'fails' : 'is interrupted'}`, async () => {
        const { host, change, shows } = await fakeHost(dir, { at: index + 1, how });
        const before = await shows();
        const code = how === 'fail' ? 'DOCKER_FAILED' : 'ABORTED';
        await assert.rejects(switchDocker(host, change), { code });
        assert.deepEqual(await shows(), before);
      });

  it('leaves a dockerd down that was down', async () => {
    const { host, change, shows } = await fakeHost(dir, { at: 3, how: 'fail' });
    await host.service.stop();
    const before = await shows();
    await assert.rejects(switchDocker(host, { ...change, ran: false, running: [], stopContainers: false }));
    assert.deepEqual(await shows(), before);
  });

  it('touches nothing but the files when one cannot be written', async () => {
    const { host, change, shows, calls } = await fakeHost(dir, undefined);
    const before = await shows();
    const files = [...change.to.state.files, { path: join(dir, 'daemon.json', 'below'), text: 'x' }];
    const to = { ...change.to, state: { ...change.to.state, files } };
    await assert.rejects(switchDocker(host, { ...change, to }), { code: 'DOCKER_FAILED' });
    assert.deepEqual(await shows(), before);
    assert.deepEqual(calls, []);
  });

  it('says so when even that does not work', async () => {
    const { host, change } = await fakeHost(dir, undefined);
    const service = { ...host.service, start: () => Promise.reject(new Error('gone')) };
    await assert.rejects(switchDocker({ ...host, service }, change), { code: 'DOCKER_NOT_RESTORED' });
  });
});
