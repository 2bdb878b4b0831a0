import assert from 'node:assert/strict';
import type { KeyValue } from '../../../src/store/kv.ts';
import { createView, type View } from '../../../src/store/view.ts';
import { configKv, kvOf, leaseKv, leaseValue, NET } from '../../support/kvs.ts';

const short = (key: string): string => key.slice(`${NET}/subnets/`.length);
const believed = (view: View): string[] => [...view.leases().keys()].map(short).sort();
const refused = (view: View): Record<string, string> =>
  Object.fromEntries([...view.rejections()].map(([key, { code }]) => [short(key), code]));

function viewOf(...kvs: KeyValue[]): View {
  const view = createView(NET);
  view.reset([configKv(2), ...kvs]);
  return view;
}
const put = (view: View, kv: KeyValue) => view.set(kv.key, kv);

describe('view', () => {
  it('believes leases on the grid of the network, and says what each change did', () => {
    const view = createView(NET);
    assert.deepEqual(view.reset([configKv(2), leaseKv('10.5.1.0/24', 3)]), {
      leases: [`${NET}/subnets/10.5.1.0-24`],
      config: true,
    });
    const second = leaseKv('10.5.2.0/24', 4);
    assert.deepEqual(put(view, second), { leases: [second.key], config: false });
    assert.deepEqual(believed(view), ['10.5.1.0-24', '10.5.2.0-24']);
    assert.equal(view.leases().get(second.key)?.etcd.modified, '4');
    assert.deepEqual(view.set(second.key, undefined), { leases: [second.key], config: false });
    assert.deepEqual(view.set(second.key, undefined), { leases: [], config: false });
    assert.deepEqual(believed(view), ['10.5.1.0-24']);
  });

  it('refuses what cannot be, each with its reason', () => {
    const view = viewOf(
      leaseKv('10.6.1.0/24', 3),
      leaseKv('10.5.1.128/25', 3),
      leaseKv('10.5.0.0/16', 3),
      leaseKv('10.5.0.0/17', 3),
      leaseKv('10.5.2.0/24', 3, 3, '10.5.2.1'),
      leaseKv('10.5.3.0/24', 3, 3, '127.0.0.1'),
      leaseKv('10.5.3.1/24', 3),
      kvOf('subnets/10.5.4.0-24', 'no json', 3),
      kvOf('subnets/evil/10.5.5.0-24', leaseValue('192.168.1.1'), 3),
      kvOf('elsewhere/10.5.6.0-24', leaseValue('192.168.1.1'), 3),
    );
    assert.deepEqual(refused(view), {
      '10.6.1.0-24': 'SUBNET_OUTSIDE',
      '10.5.1.128-25': 'SUBNET_GRID',
      '10.5.0.0-16': 'SUBNET_SIZE',
      '10.5.0.0-17': 'SUBNET_SIZE',
      '10.5.2.0-24': 'PUBLIC_IP',
      '10.5.3.0-24': 'PUBLIC_IP',
      '10.5.3.1-24': 'SUBNET_KEY',
      '10.5.4.0-24': 'NOT_JSON',
      'evil/10.5.5.0-24': 'SUBNET_KEY',
    });
    assert.deepEqual(believed(view), []);
  });

  it('believes the older of two that overlap, whoever was told first', () => {
    const older = leaseKv('10.5.4.0/23', 9, 5);
    const younger = leaseKv('10.5.5.0/24', 7, 7);
    for (const order of [
      [older, younger],
      [younger, older],
    ]) {
      const view = viewOf(...order);
      assert.deepEqual(believed(view), ['10.5.4.0-23']);
      assert.deepEqual(refused(view), { '10.5.5.0-24': 'SUBNET_OVERLAP' });
      assert.deepEqual([...view.set(older.key, undefined).leases].sort(), [older.key, younger.key]);
      assert.deepEqual(believed(view), ['10.5.5.0-24']);
    }
  });

  it('does not let a refused lease refuse others', () => {
    const oldest = leaseKv('10.5.5.0/24', 3);
    const wide = leaseKv('10.5.4.0/22', 4);
    const young = leaseKv('10.5.6.0/24', 5);
    const view = viewOf(wide, young);
    assert.deepEqual(believed(view), ['10.5.4.0-22']);
    assert.deepEqual([...put(view, oldest).leases].sort(), [wide.key, oldest.key, young.key].sort());
    assert.deepEqual(believed(view), ['10.5.5.0-24', '10.5.6.0-24']);
  });

  it('takes a value that turned bad as gone, and costs nobody else', () => {
    const view = viewOf(leaseKv('10.5.1.0/24', 3), leaseKv('10.5.2.0/24', 4));
    const bad = kvOf('subnets/10.5.1.0-24', '{"PublicIP":"$(reboot)"}', 5, 3);
    assert.deepEqual(put(view, bad), { leases: [bad.key], config: false });
    assert.deepEqual(believed(view), ['10.5.2.0-24']);
    assert.deepEqual(put(view, leaseKv('10.5.1.0/24', 6, 3)).leases, [bad.key]);
    assert.deepEqual(refused(view), {});
  });

  it('names only what differs when everything is told again', () => {
    const kept = leaseKv('10.5.1.0/24', 3);
    const gone = leaseKv('10.5.2.0/24', 4);
    const view = viewOf(kept, gone);
    const fresh = leaseKv('10.5.3.0/24', 5);
    const change = view.reset([configKv(2), kept, fresh]);
    assert.deepEqual([...change.leases].sort(), [gone.key, fresh.key]);
    assert.equal(change.config, false);
    assert.deepEqual(view.reset([configKv(2), kept, fresh]), { leases: [], config: false });
  });

  it('believes nobody before there is a network', () => {
    const view = createView(NET);
    view.reset([leaseKv('10.5.1.0/24', 3)]);
    assert.deepEqual(believed(view), []);
    assert.equal(view.config(), undefined);
    assert.deepEqual(put(view, configKv(4)), { leases: [`${NET}/subnets/10.5.1.0-24`], config: true });
    assert.deepEqual(believed(view), ['10.5.1.0-24']);
  });

  it('judges by the last valid config, and shows the broken one', () => {
    const view = viewOf(leaseKv('10.5.1.0/24', 3));
    put(view, kvOf('config', '{"Network":', 5));
    assert.deepEqual(believed(view), ['10.5.1.0-24']);
    assert.equal(view.config()?.parsed.ok, false);
    put(view, configKv(6, { Network: '10.6.0.0/16' }));
    assert.deepEqual(refused(view), { '10.5.1.0-24': 'SUBNET_OUTSIDE' });
    view.set(`${NET}/config`, undefined);
    assert.equal(view.config(), undefined);
    assert.deepEqual(refused(view), { '10.5.1.0-24': 'SUBNET_OUTSIDE' });
  });

  it('keeps to the network it was made for', () => {
    const parsed = viewOf().config()?.parsed;
    assert.ok(parsed?.ok);
    const view = createView(NET, parsed.value);
    view.reset([configKv(2), leaseKv('10.5.1.0/24', 3)]);
    assert.deepEqual(put(view, configKv(4, { Network: '10.6.0.0/16' })), { leases: [], config: true });
    assert.deepEqual(believed(view), ['10.5.1.0-24']);
    assert.equal(view.config()?.modRevision, 4n);
  });

  it('stays quick beside a lease that overlaps thousands', () => {
    const peers = Array.from({ length: 5_000 }, (_, i) => leaseKv(`10.${64 + (i >> 8)}.${i & 255}.0/24`, 10 + i));
    const view = createView(NET);
    view.reset([configKv(2, { Network: '10.0.0.0/8' }), ...peers]);
    assert.equal(view.leases().size, 5_000);
    const wide = leaseKv('10.64.0.0/10', 9);
    const begun = performance.now();
    assert.equal(put(view, wide).leases.length, 5_001);
    assert.equal(view.set(wide.key, undefined).leases.length, 5_001);
    const ms = performance.now() - begun;
    assert.ok(ms < 1_000, `${ms} ms`);
  });
});
