import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeOptions } from '../../../src/daemon/options.ts';
import { writeNodeState } from '../../../src/files/node-state.ts';
import { writeView } from '../../../src/files/view-file.ts';
import { carryOn } from '../../../src/host/carry-on.ts';
import type { ForwardingKernel } from '../../../src/host/node.ts';
import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import type { Carrier, Forward } from '../../../src/kernel/state.ts';
import { printLease } from '../../../src/model/lease.ts';
import { configKv, kvOf, NET } from '../../support/kvs.ts';
import { underlay } from '../../support/scene.ts';
import { announcementOf, ip, nodeId, prefix } from '../../support/values.ts';

const kvs = [
  configKv(10, { Network: '10.5.0.0/16', Backend: { Type: 'udp', Carrier: 'tun' } }),
  ...[1, 2].map((number) => kvOf(`subnets/10.5.${number}.0-24`, printLease(announcementOf(number)), 10 + number)),
];
const saved = { prefix: NET, clusterId: 5n, revision: 13n, kvs, savedAt: '2026-03-01T10:00:00.000Z' };

/** What is done with a forwarder, in this order. */
function noting() {
  const done: (Carrier | readonly Forward[])[] = [];
  const forwarder = {
    start: async (carrier: Carrier) => void done.push(carrier),
    setForwards: (forwards: readonly Forward[]) => void done.push(forwards),
  } as Partial<ForwardingKernel['forwarder']> as ForwardingKernel['forwarder'];
  return { done, forwarder };
}

describe('a carrier that goes on with what is on disk', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'carry-'));
    await writeNodeState(dir, { nodeId: nodeId(1), subnet: prefix('10.5.1.0/24'), created: [] });
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** Node 1 with this device flannel0. */
  async function carried(alias: string | undefined, owner = nodeId(1)) {
    await writeView(dir, { nodeId: owner, ...saved });
    const kernel = memoryKernel();
    for (const object of underlay(1)) kernel.foreign(object);
    const link = { kind: 'link', name: 'flannel0', alias, mtu: 1472, up: true, link: { type: 'tun' } } as const;
    kernel.foreign(link);
    const { done, forwarder } = noting();
    const wish = { interface: { iface: [], ifaceRegex: [] }, ipMasq: false, subnetFile: join(dir, 'subnet.env') };
    const options = { stateDir: dir, runDir: dir } as NodeOptions;
    await carryOn({ kernel, forwarder }, { options, wish, prefix: NET });
    return done;
  }

  it('takes its peers, and only those, before its first packet', async () => {
    const [table, carrier] = await carried('tsflannel:10.5.0.0/16');
    assert.deepEqual(table, [
      {
        ...{ kind: 'forward', device: 'flannel0', port: 8285 },
        ...{ subnet: prefix('10.5.2.0/24'), nextHop: ip('10.200.0.2') },
      },
    ]);
    assert.deepEqual(carrier, {
      ...{ kind: 'carrier', type: 'tun', device: 'flannel0', local: ip('10.200.0.1'), port: 8285, mtu: 1472 },
      ...{ network: prefix('10.5.0.0/16'), subnet: prefix('10.5.1.0/24') },
      ...{ sourceCheck: 'strict', directDelivery: false },
    });
  });

  it('leaves the device of another program alone', async () => {
    assert.deepEqual(await carried(undefined), []);
  });

  it('takes no peers from a view of another node', async () => {
    assert.deepEqual(await carried('tsflannel:10.5.0.0/16', nodeId(9)), []);
  });
});
