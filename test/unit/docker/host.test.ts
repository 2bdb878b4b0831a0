import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DockerApi, dockerApi } from '../../../src/docker/api.ts';
import { bridgeOf } from '../../../src/docker/bridge.ts';
import { refuseSnap } from '../../../src/docker/find.ts';
import { configFileFlag, configFileOf, pidFileOf, socketOf } from '../../../src/docker/places.ts';
import { isRunning, processesHere, runningProcess, specOf } from '../../../src/docker/process.ts';
import { parseUnit, serviceOf, systemdService } from '../../../src/docker/units.ts';
import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import { parseCidr } from '../../../src/model/address.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsflannel-docker-'));
});
afterEach(() => rm(dir, { recursive: true }));

describe('docker/api', () => {
  let server: Server;
  let api: DockerApi;
  let answers: Record<string, { readonly status?: number; readonly body: string }>;
  const asked: string[] = [];

  beforeEach(async () => {
    answers = {};
    server = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      const { status = 200, body } = answers[url ?? ''] ?? { status: 404, body: '{"message":"no such thing"}' };
      response.writeHead(status).end(body);
    });
    server.listen(join(dir, 'socket'));
    await once(server, 'listening');
    api = dockerApi(join(dir, 'socket'));
  });
  afterEach(() => server.close());

  it('reads the bridge of a dockerd with and without bip, and of one without bridge', async () => {
    const options = {
      'com.docker.network.driver.mtu': '1450',
      'com.docker.network.bridge.enable_ip_masquerade': 'false',
    };
    const config = [{ Subnet: 'fd00::/64' }, { Subnet: '172.17.57.0/24', Gateway: '172.17.57.1' }];
    answers['/networks/bridge'] = { body: JSON.stringify({ IPAM: { Config: config }, Options: options }) };
    const bridge = { subnet: '172.17.57.0/24', gateway: '172.17.57.1', mtu: 1450, ipMasq: false, containers: 0 };
    assert.deepEqual(await api.bridge(), bridge);
    answers['/networks/bridge'] = { body: '{"IPAM":{"Config":[{"Subnet":"172.17.0.0/16"}]},"Options":{}}' };
    const plain = { subnet: '172.17.0.0/16', gateway: undefined, mtu: undefined, ipMasq: undefined, containers: 0 };
    assert.deepEqual(await api.bridge(), plain);
    delete answers['/networks/bridge'];
    assert.deepEqual(await api.bridge(), { ...plain, subnet: undefined });
  });

  it('lists running containers, and only what looks like one', async () => {
    const id = 'a'.repeat(64);
    const list = [{ Id: id, Names: ['/web\u001b[31m'] }, { Id: '../../etc' }, 7, null, { Names: ['/x'] }];
    answers['/containers/json'] = { body: JSON.stringify(list) };
    assert.deepEqual(await api.running(), [{ id, name: 'web?[31m' }]);
  });

  it('tells a container that is gone from one that starts', async () => {
    answers['/containers/aa/start'] = { status: 204, body: '' };
    assert.equal(await api.start('aa'), true);
    assert.equal(await api.start('bb'), false);
    assert.ok(asked.includes('POST /containers/aa/start'));
  });

  for (const body of ['', 'null', '[]', '"x"', '{"IPAM":3,"Options":[]}'])
    it(`survives the answer ${body || 'of nothing'}`, async () => {
      answers['/networks/bridge'] = { body };
      answers['/info'] = { body };
      const refused = { code: 'DOCKER_UNREACHABLE' };
      if (body === '') await assert.rejects(api.bridge(), refused);
      else assert.equal((await api.bridge()).subnet, undefined);
      if (body === '') await assert.rejects(api.info(), refused);
      else assert.equal((await api.info()).liveRestore, false);
    });

  it('is unreachable where nobody listens', async () => {
    const nobody = dockerApi(join(dir, 'nobody'));
    assert.equal(await nobody.ping(), false);
    await assert.rejects(nobody.info(), { code: 'DOCKER_UNREACHABLE' });
  });
});

describe('docker/bridge', () => {
  it('shows and changes the addresses of docker0, and of nothing else', async () => {
    const kernel = memoryKernel();
    const bridge = bridgeOf(kernel);
    assert.equal(await bridge.addresses(), undefined);
    await bridge.setAddresses(['172.17.57.1/24']);
    for (const name of ['docker0', 'eth0']) {
      const link = { kind: 'link', name, alias: undefined, mtu: 1500, up: true, link: { type: 'tun' } } as const;
      const { ip, length } = parseCidr(name === 'eth0' ? '10.0.0.1/24' : '172.17.0.1/16')!;
      await kernel.apply([
        { action: 'create', object: link, because: 'test' },
        { action: 'create', object: { kind: 'address', device: name, ip, length }, because: 'test' },
      ]);
    }
    assert.deepEqual(await bridge.addresses(), ['172.17.0.1/16']);
    await bridge.setAddresses(['172.17.57.1/24', '10.9.9.1/24']);
    assert.deepEqual(await bridge.addresses(), ['172.17.57.1/24', '10.9.9.1/24']);
    await bridge.setAddresses([]);
    assert.deepEqual(await bridge.addresses(), []);
  });
});

describe('docker/places', () => {
  it('finds the API socket by flag, by file, by default', () => {
    const of = (flags: string, json = {}) => socketOf(['dockerd', ...flags.split(' ')], json);
    assert.equal(of(''), '/var/run/docker.sock');
    assert.equal(of('-H fd://'), '/var/run/docker.sock');
    assert.equal(of('-H tcp://0.0.0.0:2375 -H unix:///run/x.sock'), '/run/x.sock');
    assert.equal(of('--host=/run/y.sock'), '/run/y.sock');
    assert.equal(of('', { hosts: ['tcp://1.2.3.4:5', 'unix:///run/z.sock', 7] }), '/run/z.sock');
    assert.throws(() => of('-H tcp://0.0.0.0:2375'), { code: 'DOCKER_CONFIG' });
  });

  it('finds daemon.json and the pid file', () => {
    assert.equal(configFileFlag(['dockerd', '--config-file', 'conf/d.json'], '/srv'), '/srv/conf/d.json');
    assert.equal(configFileFlag(['dockerd'], '/srv'), undefined);
    assert.equal(pidFileOf(['dockerd', '-p', '/x.pid'], {}), '/x.pid');
    assert.equal(pidFileOf(['dockerd'], { pidfile: '/y.pid' }), '/y.pid');
    assert.equal(pidFileOf(['dockerd'], {}), '/var/run/docker.pid');
  });

  it('takes another daemon.json only where dockerd can be told of it', () => {
    assert.equal(configFileOf(undefined, undefined, false), '/etc/docker/daemon.json');
    assert.equal(configFileOf(undefined, '/a.json', true), '/a.json');
    assert.equal(configFileOf('/a.json', '/a.json', false), '/a.json');
    assert.throws(() => configFileOf('/a.json', '/b.json', true), { code: 'DOCKER_CONFIG' });
    assert.throws(() => configFileOf(undefined, '/a.json', false), { code: 'DOCKER_CONFIG' });
  });
});

describe('docker/process', () => {
  it('reads how a process was started, and tells when it has ended', async () => {
    const log = join(dir, 'log');
    await writeFile(log, '');
    const { fd } = await import('node:fs').then(({ openSync }) => ({ fd: openSync(log, 'a') }));
    const env = { PATH: process.env.PATH ?? '', A: 'b=c', EMPTY: '' };
    const child = spawn('sleep', ['1000'], { argv0: 'snooze', cwd: dir, env, stdio: ['ignore', fd, 'pipe'] });
    await once(child, 'spawn');
    const running = await runningProcess(child.pid!);
    assert.ok(running && (await isRunning(running)));
    const { exe, mounts, ...spec } = await specOf(child.pid!);
    assert.deepEqual(spec, { argv: ['snooze', '1000'], cwd: dir, env, stdout: log, stderr: undefined });
    assert.match(exe, /sleep|coreutils|busybox/);
    assert.match(mounts, /^mnt:\[\d+\]$/);
    assert.equal(await isRunning({ ...running, startTime: '1' }), false, 'another process of that number');
    assert.ok((await processesHere('sleep')).some(({ pid }) => pid === child.pid));
    child.kill();
    await once(child, 'exit');
    assert.equal(await isRunning(running), false);
    assert.equal((await stat(log)).size, 0);
  });
});

describe('docker/units', () => {
  it('reads what systemctl shows', () => {
    const text = [
      'MainPID=34',
      'ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS ; ignore_errors=no ; pid=34 ; status=0/0 }',
      'EnvironmentFiles=/etc/default/docker (ignore_errors=yes)',
      'EnvironmentFiles=/run/flannel/docker (ignore_errors=yes)',
      'LoadState=loaded',
    ].join('\n');
    assert.deepEqual(parseUnit('docker.service', text), {
      name: 'docker.service',
      loaded: true,
      mainPid: 34,
      execStart: ['/usr/sbin/dockerd', '-H', 'fd://', '$DOCKER_OPTS'],
      environmentFiles: ['/etc/default/docker', '/run/flannel/docker'],
    });
    const none = { name: 'x.service', loaded: false, mainPid: 0, execStart: [], environmentFiles: [] };
    assert.deepEqual(parseUnit('x.service', 'LoadState=not-found\nMainPID=0\n'), none);
    assert.deepEqual(parseUnit('x.service', ''), none);
  });

  it('tells why the unit does not start from its journal', async () => {
    const run = async (file: string, args: readonly string[]) => {
      if (file === 'journalctl') return 'first\nfailed to start daemon: because\n';
      if (args[0] === 'start') throw new Error('Job failed');
      return '';
    };
    await assert.rejects(systemdService(run, 'docker.service', []).start([]), {
      code: 'TOOL_FAILED',
      why: 'first | failed to start daemon: because',
    });
  });

  it('tells a unit by the control group', () => {
    assert.equal(serviceOf('0::/system.slice/docker.service\n'), 'docker.service');
    const hybrid = '2:cpu:/x.service\n1:name=systemd:/system.slice/snap.docker.dockerd.service\n0::/a.scope';
    assert.equal(serviceOf(hybrid), 'snap.docker.dockerd.service');
    assert.equal(serviceOf('0::/user.slice/user-0.slice/session-3.scope\n'), undefined);
    assert.equal(serviceOf(''), undefined);
  });

  it('stops the socket with the unit, and starts it again only if it was there', async () => {
    for (const socket of [true, false]) {
      const calls: string[] = [];
      const run = async (file: string, args: readonly string[]) => {
        calls.push([file, ...args].join(' '));
        if (!socket && args.includes('is-active') && args.includes('docker.socket')) throw new Error('inactive');
        return '';
      };
      const service = systemdService(run, 'docker.service', ['dockerd']);
      await service.stop();
      await service.start([]);
      const did = calls.filter((call) => !call.includes('is-'));
      assert.deepEqual(did, [
        `systemctl stop${socket ? ' docker.socket' : ''} docker.service`,
        'systemctl daemon-reload',
        'systemctl reset-failed docker.service',
        ...(socket ? ['systemctl start docker.socket'] : []),
        'systemctl start docker.service',
      ]);
    }
  });
});

describe('docker/find', () => {
  for (const exe of ['/snap/docker/2963/bin/dockerd', '/var/lib/snapd/snap/docker/2963/bin/dockerd'])
    it(`refuses ${exe} with the reason`, () => {
      assert.throws(() => refuseSnap({ exe }, 7), { code: 'DOCKER_UNSUPPORTED', why: /from a snap/ });
    });

  it('takes others', () => {
    for (const exe of ['/usr/bin/dockerd', '/opt/snap/dockerd']) refuseSnap({ exe }, 7);
  });
});
