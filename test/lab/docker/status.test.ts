/** docker status beside a real dockerd: what differs is named, with the command that puts it right; that Docker drops direct packets too. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { directDropRules } from '../../../src/docker/direct-routing.ts';
import { isRunning, runningProcess } from '../../../src/docker/process.ts';
import type { DockerReport, DockerRow } from '../../../src/model/report.ts';
import { useDockerd } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';

describe('docker status', function () {
  this.timeout(900_000);
  const dockerd = useDockerd({ name: 'dock-status' });
  const inside = (...argv: string[]) => execa('nsenter', [`--net=/run/netns/${dockerd.namespace}`, '--', ...argv]);

  async function status(): Promise<DockerReport & { readonly exitCode: number | undefined }> {
    const { stdout, exitCode } = await dockerd.tsflannel('status');
    return { ...JSON.parse(stdout), exitCode };
  }
  const named = (rows: readonly DockerRow[], what: string): DockerRow => {
    const row = rows.find((each) => each.what === what);
    assert.ok(row, `no row ${what} in ${JSON.stringify(rows)}`);
    return row;
  };
  /** The rows that are not ok but for the lease: no daemon runs here. */
  const wrong = (rows: readonly DockerRow[]): string[] =>
    rows.filter(({ state, what }) => state !== 'ok' && what !== 'lease').map(({ what }) => what);

  it('is down without subnet.env', async () => {
    const { exitCode, state, rows } = await status();
    assert.deepEqual({ exitCode, state }, { exitCode: 9, state: 'down' });
    assert.match(named(rows, 'subnet.env').fix?.[0] ?? '', /tsflannel up/);
  });

  it('names everything that differs before the first apply, and changes nothing', async () => {
    await dockerd.lease('172.17.57.1/24');
    const pid = await dockerd.pid();
    const { exitCode, rows } = await status();
    assert.equal(exitCode, 8);
    assert.deepEqual(wrong(rows), ['bip', 'mtu', 'ip-masq', 'running dockerd', 'docker0']);
    assert.deepEqual(named(rows, 'docker0'), {
      ...{ what: 'docker0', state: 'degraded', expected: '172.17.57.1/24', found: '172.17.0.1/16' },
      fix: ['tsflannel docker apply'],
    });
    assert.equal(await dockerd.pid(), pid);
  });

  it('finds nothing after the apply that it named, a container running', async () => {
    assert.equal((await dockerd.tsflannel('apply', '--yes')).exitCode, 0);
    await dockerd.container('web');
    const { rows } = await status();
    assert.deepEqual(wrong(rows), []);
    assert.equal(named(rows, 'docker0 mtu').found, '1450');
  });

  it('names an option that is in daemon.json and was never restarted for, and one of the wrong size', async () => {
    const good = dockerd.daemonJson();
    await writeFile(dockerd.paths.configFile, good.replace('1450', '1300'));
    assert.deepEqual(wrong((await status()).rows), ['mtu']);
    await writeFile(dockerd.paths.configFile, good);
    await inside('ip', 'link', 'set', 'dev', 'docker0', 'mtu', '1400');
    const { rows } = await status();
    assert.deepEqual(wrong(rows), ['docker0 mtu']);
    const [fix] = named(rows, 'docker0 mtu').fix ?? [];
    await inside(...(fix ?? '').split(' '));
    assert.deepEqual(wrong((await status()).rows), []);
  });

  it('names a network of others in the way', async () => {
    await dockerd.docker('network', 'create', '--subnet', '172.17.99.0/24', 'foreign');
    const { rows } = await status();
    assert.deepEqual(wrong(rows), ['network foreign']);
    await dockerd.docker(...(named(rows, 'network foreign').fix?.[0] ?? '').split(' ').slice(1));
    assert.deepEqual(wrong((await status()).rows), []);
  });

  for (const tool of ['iptables-nft', 'iptables-legacy'])
    it(`names the rule of Docker 28 that drops packets of other nodes: ${tool}`, async () => {
      const rule = ['PREROUTING', '-d', '172.17.57.2/32', '!', '-i', 'docker0', '-j', 'DROP'];
      await inside(tool, '-w', '-t', 'raw', '-A', ...rule);
      assert.match(named((await status()).rows, 'from other nodes').found, /172\.17\.57\.2\/32 only through docker0/);
      await inside(tool, '-w', '-t', 'raw', '-D', ...rule);
      assert.deepEqual(wrong((await status()).rows), []);
    });

  it("finds that rule in Docker's own nftables table too", async () => {
    const table = [
      'table ip docker-bridges { chain raw-PREROUTING { type filter hook prerouting priority raw; policy accept',
      'ip daddr 172.17.57.2 iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"',
      '}',
      '}',
    ].join('\n');
    await execa('nsenter', [`--net=/run/netns/${dockerd.namespace}`, 'nft', '-f', '-'], { input: table });
    const run = async (file: string, args: readonly string[]) => (await inside(file, ...args)).stdout;
    assert.deepEqual(
      (await directDropRules(run)).map(({ bridge, addresses }) => ({ bridge, length: addresses.length })),
      [{ bridge: 'docker0', length: 32 }],
    );
    await inside('nft', 'delete', 'table', 'ip', 'docker-bridges');
  });

  it('is for people too', async () => {
    const [program, ...args] = dockerd.command('status');
    const { stdout } = await execa(program!, args, { reject: false });
    assert.match(stdout, /^degraded: .*\n\nWHAT +STATE +SHOULD BE +IS\nlease +degraded/);
    assert.match(stdout, /\n {2}try: {2}tsflannel up --detach$/);
  });

  it('is down when dockerd is gone', async () => {
    await rm(dockerd.stateDir, { recursive: true });
    const process = await runningProcess(await dockerd.pid());
    globalThis.process.kill(process!.pid, 'SIGTERM');
    await until('dockerd is down', async () => !(await isRunning(process!)));
    const { exitCode, rows } = await status();
    assert.equal(exitCode, 9, JSON.stringify(rows));
    assert.equal(named(rows, 'dockerd').state, 'down');
  });
});
