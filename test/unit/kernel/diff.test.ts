import assert from 'node:assert/strict';
import { diff } from '../../../src/kernel/diff.ts';
import {
  type Carrier,
  type Forward,
  type KernelObject,
  type KernelState,
  keyOf,
  type Plan,
} from '../../../src/kernel/state.ts';
import { address, ip, neighbour, prefix, route, tun, vxlan } from '../../contract/kernel/objects.ts';

const NETWORK = prefix('172.20.0.0/16');
const carrier: Carrier = {
  ...{ kind: 'carrier', device: 'flannel0', local: ip('10.200.0.1'), port: 8285, mtu: 1472 },
  ...{ network: NETWORK, subnet: prefix('172.20.57.0/24'), sourceCheck: 'strict', directDelivery: false },
};
const forward: Forward = {
  ...{ kind: 'forward', device: 'flannel0', subnet: prefix('172.20.64.0/24') },
  ...{ nextHop: ip('10.200.0.2'), port: 8285 },
};

const want = (object: KernelObject) => ({ object, because: 'the test' });
const seen = (object: KernelObject, ours: boolean): KernelState =>
  new Map([[keyOf(object), { object, ours, owner: ours ? 'tsflannel' : 'another' }]]);
const actions = (plan: Plan) => plan.map(({ action, object }) => `${action} ${object.kind}`);

describe('kernel/diff', () => {
  it('puts nothing on a device that is not ours', () => {
    const wants = [route(), neighbour(), address(), vxlan()].map(want);
    assert.deepEqual(actions(diff(wants, seen({ ...vxlan(), alias: undefined }, false))), [
      'blocked link',
      'blocked address',
      'blocked neighbour',
      'blocked route',
    ]);
  });

  it('blocks what stands on something blocked in turn, and says why', () => {
    const plan = diff([forward, carrier, tun()].map(want), seen({ ...tun(), alias: undefined }, false));
    assert.deepEqual(actions(plan), ['blocked link', 'blocked carrier', 'blocked forward']);
    for (const { because } of plan) assert.match(because, /but another has link/);
  });

  it('uses a device of the host that nobody asked for', () => {
    const eth = { ...vxlan(), name: route().device, alias: undefined };
    assert.deepEqual(actions(diff([want(route())], seen(eth, false))), ['create route']);
  });
});
