/** A real flanneld (FLANNELD names the program, v0.28.9) is replaced by tsflannel with its own command line; without FLANNELD nothing is registered. */
import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { FLANNELD_FLAGS } from '../../src/model/flanneld.ts';
import { packageRoot } from '../../src/root.ts';
import { pingable } from '../support/containers.ts';
import { type Container, type Ground, type Host, makeGround, type Running } from '../support/ground.ts';
import { leftNothing, snapshot } from '../support/leaks.ts';
import { pingFrom } from '../support/ping.ts';
import { until } from '../support/until.ts';

const FLANNELD = process.env.FLANNELD ?? '';
const NAME = 'tsfa';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };

async function ready(host: Host, program: Running, what: RegExp): Promise<void> {
  await until(`${host.name} is ready`, async () => {
    assert.equal(program.exit(), undefined, program.said());
    return what.test(program.said()) && (await host.env()).FLANNEL_SUBNET !== undefined;
  });
}

async function startFlanneld(host: Host): Promise<Running> {
  await host.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  const program = host.startFlanneld(FLANNELD, '--ip-masq');
  await ready(host, program, /./);
  return program;
}

/** Of the VXLAN device, where there is one. */
async function macOf(host: Host): Promise<string> {
  const links = JSON.parse(await host.run('ip', '-j', 'link', 'show')) as { ifname: string; address: string }[];
  return links.find(({ ifname }) => ifname === 'flannel.1')?.address ?? '';
}

const tests = FLANNELD === '' ? [] : ['vxlan', 'host-gw', 'udp'];

if (FLANNELD !== '')
  it('flanneld’s own flags are those of our table', async () => {
    const { stderr } = await execa(FLANNELD, ['-h'], { reject: false });
    const flags = [...stderr.matchAll(/^ {2}-(\S+)/gm)].map(([, flag]) => flag ?? '');
    assert.deepEqual(flags.sort(), Object.keys(FLANNELD_FLAGS).sort());
  });

for (const backend of tests)
  describe(`flanneld is replaced by tsflannel up --adopt: ${backend}`, () => {
    let before_: Awaited<ReturnType<typeof snapshot>>;
    let ground: Ground;
    let hosts: [Host, Host];
    let flannelds: Running[];
    let containers: [Container, Container];

    before(async function () {
      this.timeout(240_000);
      before_ = await snapshot(MINE);
      ground = await makeGround(NAME, 2);
      hosts = ground.hosts as [Host, Host];
      await hosts[0].tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', backend);
      flannelds = [await startFlanneld(hosts[0]), await startFlanneld(hosts[1])];
      containers = [await ground.attach(hosts[0]), await ground.attach(hosts[1])];
      await pingable(containers[0], containers[1]);
    });
    after(async function () {
      this.timeout(240_000);
      await ground?.close();
      await leftNothing(before_, () => snapshot(MINE));
    });

    it('with the same subnet and MAC, and nothing lost where the kernel forwards', async () => {
      const [host] = hosts;
      const was = { env: await host.env(), mac: await macOf(host) };
      const refused = await host.tsflannel('up', '--adopt', '--detach', '--timeout', '5').catch(({ stderr }) => stderr);
      assert.match(refused, /FLANNELD_RUNS|flanneld still runs/);
      const ping = pingFrom(containers[0], containers[1].ip);
      await ping.replies(20);
      await flannelds[0]?.stop('SIGTERM');
      const begun = performance.now();
      // As its unit would start it: by its name and with its flags.
      const program = join(host.dir, 'flanneld');
      await symlink(join(packageRoot(), 'bin', 'tsflannel'), program);
      const ours = host.startFlanneld(program, '-ip-masq=true', '-v=2', '-iptables-resync=5', '--adopt');
      await ready(host, ours, / ready /);
      const ms = Math.round(performance.now() - begun);
      await ping.replies(50);
      const { sent, missing } = await ping.end();
      console.log(`      ${backend}: ready ${ms} ms after flanneld had ended; ${missing} of ${sent} pings lost`);
      assert.deepEqual({ env: await host.env(), mac: await macOf(host) }, was);
      if (backend !== 'udp') assert.equal(missing, 0);
    }).timeout(240_000);
  });
