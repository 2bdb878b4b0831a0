import assert from 'node:assert/strict';
import type { Overlap } from '../../../src/config/check.ts';
import { type ConfigInput, type WriteOptions, writeNetworkConfig } from '../../../src/config/write.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { printLease } from '../../../src/model/lease.ts';
import { createMemoryEtcd } from '../../../src/store/memory/etcd.ts';
import { openStore } from '../../../src/store/store.ts';
import { createTestClock } from '../../support/clock.ts';
import { NET } from '../../support/kvs.ts';
import { overwrite } from '../../support/lease.ts';
import { announcementOf } from '../../support/values.ts';

const NOTHING: Overlap = { conflicts: [], notes: [] };
const codeOf = (code: string) => (error: unknown) => error instanceof TsflannelError && error.code === code;

async function rig(now?: string) {
  const etcd = createMemoryEtcd(createTestClock());
  if (now !== undefined) await overwrite(etcd, 'config', now);
  const store = openStore(etcd.client(), NET);
  const write = (input: ConfigInput, options: Partial<WriteOptions> = {}) =>
    writeNetworkConfig(store, input, { force: false, dryRun: false, overlap: async () => NOTHING, ...options });
  const set = (network: string, options?: Partial<WriteOptions>) => write({ wish: { network } }, options);
  return { etcd, store, write, set, raw: async () => (await store.config())?.raw };
}

describe('writing the network config', () => {
  it('writes a new one, and says what it means', async () => {
    const { set, raw } = await rig();
    const result = await set('10.5.0.0/16');
    assert.equal(result.changed, true);
    assert.equal(result.before, undefined);
    assert.equal(result.config.subnetLength, 24);
    assert.equal(await raw(), '{"Network":"10.5.0.0/16"}');
  });

  it('a second time there is nothing to do, whatever stands in the way by then', async () => {
    const { etcd, set, write } = await rig('{ "Network": "10.5.0.0/16" }');
    const revision = etcd.revision();
    const overlap = async () => ({ conflicts: ['10.5.7.0/24 dev cni0'], notes: ['a note'] });
    const result = await set('10.5.0.0/16', { overlap });
    assert.deepEqual([result.changed, result.notes], [false, []]);
    assert.equal((await write({ raw: ' {"Network":"10.5.0.0/16"}\n' }, { overlap })).changed, false);
    assert.equal(etcd.revision(), revision);
  });

  it('replaces the whole by a JSON text', async () => {
    const { write, raw } = await rig('{"Network":"10.5.0.0/16","SubnetLen":26}');
    await write({ raw: '{"Network": "10.6.0.0/16"}\n' });
    assert.equal(await raw(), '{"Network":"10.6.0.0/16"}');
  });

  it('replaces what is no config', async () => {
    const { set, raw } = await rig('{"Network"');
    await set('10.5.0.0/16');
    assert.equal(await raw(), '{"Network":"10.5.0.0/16"}');
  });

  it('writes nothing on a dry run', async () => {
    const { etcd, set, raw } = await rig();
    const revision = etcd.revision();
    const result = await set('10.5.0.0/16', { dryRun: true });
    assert.equal(result.changed, true);
    assert.equal(await raw(), undefined);
    assert.equal(etcd.revision(), revision);
  });

  it('writes nothing that is not valid', async () => {
    const { write, raw } = await rig();
    for (const text of ['', 'x', '{}', '{"Network":"10.5.0.0/29"}', '{"Network":"10.5.0.0/16","Typo":1}'])
      await assert.rejects(write({ raw: text }, { force: true }), codeOf('CONFIG_INVALID'), text);
    assert.equal(await raw(), undefined);
  });

  it('refuses a network that overlaps a route and names it; --force passes over it with a note', async () => {
    const { set, raw } = await rig();
    const overlap = async () => ({ conflicts: ['192.168.1.0/24 dev eth0 (proto 2)'], notes: [] });
    await assert.rejects(
      set('192.168.1.0/24', { overlap }),
      (error) => codeOf('NETWORK_OVERLAP')(error) && /192\.168\.1\.0\/24 dev eth0/.test((error as Error).message),
    );
    assert.equal(await raw(), undefined);
    const result = await set('192.168.1.0/24', { overlap, force: true });
    assert.match(result.notes.join(), /^forced: .*192\.168\.1\.0\/24 dev eth0/);
  });

  it('hands on what is expected (docker0)', async () => {
    const { set } = await rig();
    const overlap = async () => ({ conflicts: [], notes: ['docker0 …'] });
    assert.deepEqual((await set('172.17.0.0/16', { overlap })).notes, ['docker0 …']);
  });

  it('refuses what live leases cannot follow; --force passes over it with a note', async () => {
    const { etcd, set, raw } = await rig('{"Network":"10.5.0.0/16"}');
    await overwrite(etcd, 'subnets/10.5.7.0-24', printLease(announcementOf(2)));
    await assert.rejects(set('10.6.0.0/16'), codeOf('CONFIG_LEASES'));
    assert.equal(await raw(), '{"Network":"10.5.0.0/16"}');
    assert.match((await set('10.6.0.0/16', { force: true })).notes.join(), /forced: .*10\.5\.7\.0\/24 is leased/);
  });

  it('does not write over what somebody else wrote meanwhile', async () => {
    for (const before of [undefined, '{"Network":"10.5.0.0/16"}']) {
      const { etcd, set, raw } = await rig(before);
      const overlap = async () => {
        await overwrite(etcd, 'config', '{"Network":"10.7.0.0/16"}');
        return NOTHING;
      };
      await assert.rejects(set('10.6.0.0/16', { overlap }), codeOf('CONFIG_CHANGED'));
      assert.equal(await raw(), '{"Network":"10.7.0.0/16"}');
    }
  });

  it('a lost answer is no failure', async () => {
    const { etcd, set, raw } = await rig();
    etcd.loseAnswers(1);
    assert.equal((await set('10.5.0.0/16')).changed, true);
    assert.equal(await raw(), '{"Network":"10.5.0.0/16"}');
  });
});
