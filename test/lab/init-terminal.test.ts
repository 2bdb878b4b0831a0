import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Discovery, startDiscovery, useHosts } from '../support/hosts.ts';
import { purge, succeeds } from '../support/members.ts';

const DOWN = '\x1b[B';

describe('tsflannel init on a terminal', function () {
  this.timeout(240_000);
  const { host, hub } = useHosts('boot-tty', 2);
  let discovery: Discovery;
  before(async () => {
    discovery = await startDiscovery(hub());
  });

  it('makes a working cluster when Enter is pressed at each question, and asks nothing the second time', async () => {
    const terminal = host(1).terminal('init');
    await terminal.shows(/Which cluster/);
    terminal.type('\r');
    await terminal.shows(/How many members/);
    terminal.type('\r');
    await terminal.shows(/speak to each other[\s\S]*CA that is made here/);
    terminal.type('\r');
    await terminal.shows(/Address at which[\s\S]*10\.78\.0\.1 \(eth0, default route\)/);
    terminal.type('\r');
    await terminal.shows(/Name of this member/);
    terminal.type('\r');
    await terminal.shows(/Ports for clients, members, joining \(2379, 2380, 2381\)/);
    terminal.type('\r');
    await terminal.shows(/Network for the containers/);
    terminal.type('\r');
    await terminal.shows(/will start:[\s\S]*--client-cert-auth[\s\S]*which is empty[\s\S]*Do this\?/);
    assert.ok(!existsSync(join(host(1).dir, 'etc')), 'something was done before the yes');
    terminal.type('\r');
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.match(terminal.screen(), /healthy +yes/);
    const line = /the same without questions: tsflannel (init .*)/.exec(terminal.screen())?.[1] ?? '';
    assert.match(line, /^init --yes --name \S+ --advertise-ip 10\.78\.0\.1 /);
    assert.equal((await host(1).tsflannel('etcd', 'status')).exit, 0);

    const again = host(1).terminal('init');
    assert.equal(await again.ended(), 0, again.screen());
    assert.match(again.screen(), /nothing to do/);
    // The printed line means this very member.
    assert.match(succeeds(await host(1).tsflannel(...line.split(' '))).stdout, /nothing to do/);
    await purge(host(1));
  });

  it('asks only for what the flags leave open, and again after a wrong answer', async () => {
    const url = await discovery.newUrl(1);
    const terminal = host(2).terminal('init', '--insecure', '--name', 'two', '--advertise-ip', '10.78.0.2');
    await terminal.shows(/Which cluster/);
    terminal.type(`${DOWN}\r`);
    await terminal.shows(/Discovery URL/);
    terminal.type('nonsense\r');
    await terminal.shows(/nonsense/);
    await terminal.shows(/>/);
    terminal.type('\x15');
    terminal.type(`${url}\r`);
    await terminal.shows(/Ports for clients, members \(/);
    terminal.type('\r');
    await terminal.shows(/Network for the containers/);
    terminal.type('10.5.0.0/16\r');
    await terminal.shows(/Do this\?/);
    terminal.type('y\r');
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.doesNotMatch(terminal.screen(), /Name of this member|Address at which/);
    assert.match(terminal.screen(), /network config written: 10\.5\.0\.0\/16/);
    assert.match(succeeds(await host(2).tsflannel('config', 'get')).stdout, /10\.5\.0\.0\/16/);
    await purge(host(2));
  });

  it('warns of an even size, and does nothing when the plan is answered with no', async () => {
    const flags = ['--insecure', '--name', 'a', '--advertise-ip', '10.78.0.1', '--network', '10.5.0.0/16'];
    const terminal = host(1).terminal('init', ...flags);
    await terminal.shows(/Which cluster/);
    terminal.type('\r');
    await terminal.shows(/How many members/);
    terminal.type('\x154\r');
    await terminal.shows(/Ports/);
    terminal.type('\r');
    await terminal.shows(/warning: plain http[\s\S]*warning: 4 members[\s\S]*Do this\?/);
    terminal.type('n\r');
    assert.equal(await terminal.ended(), 130, terminal.screen());
    assert.ok(!existsSync(join(host(1).dir, 'etcd')));
  });

  it('changes nothing when it is left by Ctrl-C', async () => {
    const terminal = host(1).terminal('init');
    await terminal.shows(/Which cluster/);
    terminal.type('\x03');
    assert.equal(await terminal.ended(), 130, terminal.screen());
    assert.match(terminal.screen(), /ABORTED/);
    assert.deepEqual(existsSync(host(1).dir) ? readdirSync(host(1).dir).filter((name) => /etcd/.test(name)) : [], []);
  });
});
