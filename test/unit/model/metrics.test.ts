import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS, printMetrics } from '../../../src/model/metrics.ts';
import { packageRoot } from '../../../src/root.ts';

const textOf = (file: string): string => readFileSync(join(packageRoot(), file), 'utf8');

/** Names as Prometheus stores them: a summary is two. */
const stored = Object.entries(METRICS).flatMap(([name, { type }]) =>
  type === 'summary' ? [`${name}_sum`, `${name}_count`] : [name],
);

describe('metrics', () => {
  it('are written in the text format, each with help and type once', () => {
    const text = printMetrics([
      { name: 'tsflannel_peer_rtt_seconds', labels: { subnet: '10.5.2.0/24', node: 'n2' }, value: 0.000_25 },
      { name: 'tsflannel_ready', value: 1 },
      { name: 'tsflannel_peer_rtt_seconds', labels: { subnet: '10.5.3.0/24', node: 'n3' }, value: 1 },
      { name: 'tsflannel_apply_duration_seconds', value: 0.5, count: 3 },
    ]);
    assert.deepEqual(text.split('\n'), [
      '# HELP tsflannel_ready 1 once subnet.env and routes are in place',
      '# TYPE tsflannel_ready gauge',
      'tsflannel_ready 1',
      '# HELP tsflannel_apply_duration_seconds Time that applying plans took',
      '# TYPE tsflannel_apply_duration_seconds summary',
      'tsflannel_apply_duration_seconds_sum 0.5',
      'tsflannel_apply_duration_seconds_count 3',
      '# HELP tsflannel_peer_rtt_seconds Median round trip of the last requests',
      '# TYPE tsflannel_peer_rtt_seconds gauge',
      'tsflannel_peer_rtt_seconds{subnet="10.5.2.0/24",node="n2"} 0.00025',
      'tsflannel_peer_rtt_seconds{subnet="10.5.3.0/24",node="n3"} 1',
      '',
    ]);
  });

  it('cannot be forged by what a label says', () => {
    const labels = { code: 'a"} 1\ntsflannel_ready 0\\' };
    assert.equal(
      printMetrics([{ name: 'tsflannel_failures_total', labels, value: 2 }]).split('\n')[2],
      'tsflannel_failures_total{code="a\\"} 1\\ntsflannel_ready 0\\\\"} 2',
    );
  });

  it('are named as Prometheus wants it', () => {
    for (const [name, { type }] of Object.entries(METRICS)) {
      assert.match(name, /^tsflannel_[a-z]+(_[a-z]+)*$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
    }
  });

  it('are those that the Grafana dashboard asks for', () => {
    const text = textOf('templates/grafana-dashboard.json');
    const { panels } = JSON.parse(text) as { panels: { title: string; targets: { expr: string }[] }[] };
    assert.ok(panels.length > 0 && panels.every(({ targets }) => targets.length > 0));
    const asked = [...new Set(text.match(/tsflannel_\w+/g))];
    assert.ok(asked.length > 10);
    assert.deepEqual(
      asked.filter((name) => !stored.includes(name)),
      [],
    );
  });

  it('are all described in docs/metrics.md, with their labels', () => {
    const rows = [...textOf('docs/metrics.md').matchAll(/^\| `(tsflannel_\w+)` \| (\w+) \| (.*?) \|/gm)];
    assert.deepEqual(
      rows.map(([, name, type, labels]) => [name, type, labels]),
      Object.entries(METRICS).map(([name, { type, labels }]) => [
        name,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
      ]),
    );
  });
});
