import assert from 'node:assert/strict';
import { carrierLane, observeCarriers } from '../../../src/kernel/carriers.ts';
import { fakeCarriers } from '../../../src/kernel/memory/carriers.ts';
import type { Carrier, Forward, KernelObject, Observed, Step } from '../../../src/kernel/state.ts';
import { ip, prefix } from '../../contract/kernel/objects.ts';

const carrier = (port = 8285): Carrier => ({
  kind: 'carrier',
  type: 'tun',
  device: 'flannel0',
  local: ip('10.200.0.1'),
  port,
  mtu: 1472,
  network: prefix('172.20.0.0/16'),
  subnet: prefix('172.20.57.0/24'),
  sourceCheck: 'strict',
  directDelivery: false,
});
const forward = (third: number, port = 8285): Forward => ({
  kind: 'forward',
  device: 'flannel0',
  subnet: prefix(`172.20.${third}.0/24`),
  nextHop: ip(`10.200.0.${third}`),
  port,
});
const step = (action: Step['action'], object: KernelObject): Step => ({ action, object, because: 'the test' });
const ALL = new Set(['carrier', 'forward'] as const);

describe('kernel/carriers', () => {
  it('starts the carrier with the table that came before or after it', async () => {
    const carriers = fakeCarriers();
    const lane = carrierLane(carriers);
    await lane([step('create', forward(1))]);
    await lane([step('create', carrier()), step('create', forward(2))]);
    assert.deepEqual(carriers.running(), { carrier: carrier(), forwards: [forward(1), forward(2)] });
  });

  it('changes the table of a running carrier by the steps alone, and keeps it over a new start', async () => {
    const carriers = fakeCarriers();
    await carrierLane(carriers)([step('create', carrier()), step('create', forward(1)), step('create', forward(2))]);
    await carrierLane(carriers)([step('remove', forward(1)), step('replace', forward(2, 9999))]);
    assert.deepEqual(carriers.running()?.forwards, [forward(2, 9999)]);
    await carrierLane(carriers)([step('replace', carrier(9999))]);
    assert.deepEqual(carriers.running(), { carrier: carrier(9999), forwards: [forward(2, 9999)] });
  });

  it('shows what runs, of the kinds asked for, and nothing once it is stopped', async () => {
    const carriers = fakeCarriers();
    await carrierLane(carriers)([step('create', carrier()), step('create', forward(1))]);
    const state = new Map<string, Observed>();
    observeCarriers(carriers, new Set(['forward']), state);
    assert.deepEqual([...state.keys()], ['forward/flannel0/172.20.1.0/24']);
    await carrierLane(carriers)([step('remove', forward(1)), step('remove', carrier())]);
    state.clear();
    observeCarriers(carriers, ALL, state);
    assert.equal(state.size, 0);
  });

  it('fails, and does not throw, where there is no forwarder', async () => {
    const [reason] = await carrierLane(undefined)([step('create', carrier())]);
    assert.match(reason ?? '', /daemon/);
  });
});
