import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_EVENTS } from '../../src/model/log-events.ts';
import { packageRoot } from '../../src/root.ts';
import { useLab } from '../support/lab.ts';
import { addContainers, daemonLog, daemonPid, upAgain } from '../support/lab-daemon.ts';
import { startPing } from '../support/ping.ts';
import { parseQuery, samplesOf } from '../support/promql.ts';
import { until } from '../support/until.ts';

const PORT = '9101';

/** Prints status, type and body of a page of this machine. */
const GET = `const r = await fetch(process.argv[1]);
console.log(JSON.stringify({ status: r.status, type: r.headers.get('content-type'), text: await r.text() }))`;

describe('metrics, health and the log', () => {
  const test = useLab({ name: 'lab-metrics', backend: 'udp' });

  async function get(path: string): Promise<{ status: number; type: string; text: string }> {
    const url = `http://127.0.0.1:${PORT}${path}`;
    const { stdout } = await test.run(1, process.execPath, '--input-type=module', '-e', GET, url);
    return JSON.parse(stdout) as { status: number; type: string; text: string };
  }

  /** The value of the first line that begins so. */
  function value(text: string, name: string, label = ''): number | undefined {
    const line = text.split('\n').find((one) => one.startsWith(name) && one.includes(label));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
  }

  it('are served by one port where both are asked for at one address', async () => {
    await test.run(1, 'tsflannel', 'down');
    const health = ['--healthz-ip', '127.0.0.1', '--healthz-port', PORT];
    await upAgain(test, 1, '--metrics-addr', PORT, ...health, '--log-format', 'json', '--ask-peers-every', '1s');
    assert.deepEqual(await get('/healthz'), { status: 200, type: 'text/plain; charset=utf-8', text: 'ok\n' });
    assert.equal((await get('/readyz')).status, 200);
    assert.equal((await get('/')).status, 404);
  });

  it('tell of this node and of what it exchanges with each peer', async () => {
    const [from = '', to = ''] = await addContainers(test, [1, 2]);
    const ping = startPing(test.lab, test.node(1), from, to);
    await ping.replies(5);
    await ping.end();
    let { type, text } = await get('/metrics');
    // On a busy machine an answer may be late, and then it is none for a while.
    await until('the round trip of the peer, which answers', async () => {
      ({ type, text } = await get('/metrics'));
      const answers = value(text, 'tsflannel_peer_answers', 'node="n2"') === 1;
      return answers && value(text, 'tsflannel_peer_rtt_seconds') !== undefined;
    });
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    for (const name of ['tsflannel_ready', 'tsflannel_peers', 'tsflannel_lease_held', 'tsflannel_etcd_connected'])
      assert.equal(value(text, `${name} `), 1, text);
    assert.equal(value(text, 'tsflannel_subnets_leased '), 2);
    assert.equal(value(text, 'tsflannel_events_total', '"ready"'), 1);
    assert.equal(value(text, 'tsflannel_peer_answers', 'node="n2"'), 1);
    assert.equal(value(text, 'tsflannel_dropped_packets_total', '"bad-checksum"'), 0);
    for (const name of [
      'tsflannel_lease_remaining_seconds ',
      'tsflannel_plan_changes_total ',
      'tsflannel_apply_duration_seconds_count ',
      'tsflannel_peer_sent_packets_total{',
      'tsflannel_peer_received_bytes_total{',
    ])
      assert.ok((value(text, name) ?? 0) > 0, name);
  }).timeout(300_000);

  it('have what the panels of the dashboard ask for', async () => {
    const { text } = await get('/metrics');
    const samples = samplesOf(text);
    const board = readFileSync(join(packageRoot(), 'templates', 'grafana-dashboard.json'), 'utf8');
    const { panels } = JSON.parse(board) as { panels: { targets?: { expr: string; legendFormat?: string }[] }[] };
    const targets = panels.flatMap((panel) => panel.targets ?? []);
    assert.ok(targets.length > 10);
    for (const { expr, legendFormat = '' } of targets) {
      const { metrics, labels } = parseQuery(expr);
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      for (const metric of metrics) {
        const there = samples.get(metric);
        // A failure that has not happened has no sample yet.
        if (!there && metric === 'tsflannel_failures_total') continue;
        assert.ok(there, `${expr}: there is no ${metric}`);
        // Prometheus itself says which instance it was.
        const missing = [...labels, ...shown].filter((label) => label !== 'instance' && !there.has(label));
        assert.deepEqual(missing, [], `${expr}: ${metric} has ${[...there].join(', ')}`);
      }
    }
  });

  it('says more after SIGUSR1', async () => {
    process.kill(daemonPid(test.node(1)), 'SIGUSR1');
    await until('the new level', () => daemonLog(test.node(1)).includes('"event":"log-level","detail":"debug"'));
    process.kill(daemonPid(test.node(1)), 'SIGHUP');
    await until('a pass', () => daemonLog(test.node(1)).includes('"level":"debug","event":"pass"'));
  });

  it('is a line of JSON an event', () => {
    const lines = daemonLog(test.node(1)).trim().split('\n').slice(-2);
    const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
    assert.ok(
      events.every((event) => event in LOG_EVENTS),
      lines.join('\n'),
    );
  });
});
