import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { answered, DEVICE, device, inside, makeDevice, PORT, ping, scene, specOf, unanswered } from './scene.ts';

describe('forwarder/tun over restarts', function () {
  this.timeout(300_000);
  const lab = scene(async ({ startForwarder }) => {
    await startForwarder(specOf('a', ['b']));
    await startForwarder(specOf('b', ['a', 'c']));
  });

  it('uses no CPU when nothing happens', async () => {
    const usage = async () => (await lab.forwarders.b.ask('usage')) as { cpu: { user: number; system: number } };
    const idleSecond = async (): Promise<number> => {
      const was = await usage();
      await sleep(1000);
      const now = await usage();
      return now.cpu.user + now.cpu.system - was.cpu.user - was.cpu.system;
    };
    // A program that has just started still compiles and tidies up.
    await until('less than 30,000 µs of CPU in an idle second', async () => (await idleSecond()) < 30_000);
  });

  it('keeps the device when it is killed, and the flow goes on with the next start', async () => {
    await lab.forwarders.b.kill('SIGKILL');
    assert.ok(await unanswered('a', device('b')));
    assert.match(await inside('b', 'ip', 'link', 'show', DEVICE), /flannel0: .*UP/);
    await lab.startForwarder(specOf('b', ['a', 'c']));
    assert.ok(answered(await ping('a', device('b'))));
  });

  it('waits for a former process to let go of the device', async () => {
    const old = lab.forwarders.b;
    const next = lab.startForwarder(specOf('b', ['a', 'c']));
    await sleep(300);
    await old.kill('SIGKILL');
    await next;
    assert.ok(answered(await ping('a', device('b'))));
  });

  it('starts anew with another subnet, and stops: port and device are free again', async () => {
    const other = { ...specOf('b', ['a']), subnet: '172.20.7.0/24' };
    assert.equal(await lab.forwarders.b.ask(`start ${JSON.stringify(other)}`), null);
    assert.ok(await unanswered('a', device('b')));
    assert.equal(await lab.forwarders.b.ask('stop'), null);
    assert.equal(await lab.forwarders.b.ask('running'), null);
    assert.equal(await lab.forwarders.b.ask('counters'), null);
    assert.equal(await inside('b', 'ss', '-Hlun', 'sport', '=', `:${PORT}`), '');
    assert.match(await inside('b', 'ip', 'link', 'show', DEVICE), /NO-CARRIER/);
    assert.equal(await lab.forwarders.b.ask(`start ${JSON.stringify(specOf('b', ['a']))}`), null);
    await lab.forwards('b', 'a', 'c');
    assert.ok(answered(await ping('a', device('b'))));
  });

  it('ends when the device is deleted, refuses to start without one, starts when it is back', async () => {
    await inside('b', 'ip', 'link', 'delete', DEVICE);
    await until('it has ended', async () => (await lab.forwarders.b.ask('running')) === null);
    const spec = `start ${JSON.stringify(specOf('b', ['a', 'c']))}`;
    const { error } = (await lab.forwarders.b.ask(spec)) as { error: string };
    assert.match(error, /attaching to flannel0/);
    assert.doesNotMatch(await inside('b', 'ip', 'link'), /flannel0/);
    await makeDevice('b');
    assert.equal(await lab.forwarders.b.ask(spec), null);
    assert.ok(answered(await ping('a', device('b'))));
  });

  it('ends with its process when the daemon closes it', async () => {
    assert.equal(await lab.forwarders.a.end(), 0);
    await lab.startForwarder(specOf('a', ['b']));
    assert.ok(answered(await ping('a', device('b'))));
  });
});
