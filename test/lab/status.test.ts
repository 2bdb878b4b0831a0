import assert from 'node:assert/strict';
import { labStatus, subnetOf } from '../../src/lab/index.ts';
import { useLab } from '../support/lab.ts';
import { until } from '../support/until.ts';

describe('lab status', () => {
  const test = useLab({ name: 'lab-status', size: 2 });

  it('shows every part as its own command judges it; only members have an etcd', async () => {
    // A busy machine may keep an etcd from answering for a moment.
    const areWell = async () =>
      (await labStatus(test.lab)).every(({ daemon, etcd }) => daemon === 'ok' && etcd !== 'down');
    await until('all is well', areWell);
    const nodes = await labStatus(test.lab);
    const common = { daemon: 'ok', docker: 'none' };
    assert.deepEqual(nodes, [
      {
        name: 'n1',
        namespace: 'lab-status-n1',
        ip: '198.18.0.1',
        subnet: await subnetOf(test.node(1)),
        etcd: 'ok',
        ...common,
      },
      {
        name: 'n2',
        namespace: 'lab-status-n2',
        ip: '198.18.0.2',
        subnet: await subnetOf(test.node(2)),
        etcd: 'none',
        ...common,
      },
    ]);
    assert.match(nodes[0]?.subnet ?? '', /^172\.17\.\d+\.0\/24$/);
  });

  it('shows what is down', async () => {
    await test.run(2, 'tsflannel', 'down');
    await test.run(1, 'tsflannel', 'etcd', 'stop');
    const [first, second] = await labStatus(test.lab);
    assert.deepEqual([first?.etcd, second?.daemon, second?.subnet], ['down', 'down', undefined]);
  });
});
