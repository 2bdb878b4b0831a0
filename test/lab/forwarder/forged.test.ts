import assert from 'node:assert/strict';
import { CARRIER_TYPES } from '../../../src/model/backend-config.ts';
import type { DropReason } from '../../../src/model/carrier-report.ts';
import { address, type Fields, packet, segment } from '../../support/packets.ts';
import { until } from '../../support/until.ts';
import { answered, delivered, device, inside, outer, PORT, ping, scene, specOf } from './scene.ts';

for (const type of CARRIER_TYPES)
  describe(`forwarder/${type} against forged datagrams`, function () {
    this.timeout(300_000);
    const lab = scene(async ({ net, startForwarder }) => {
      await startForwarder({ ...specOf('a', ['b']), type });
      await startForwarder({ ...specOf('b', ['a', 'c']), type });
      await net.b.ask(`echo ${device('b')} 7`);
    });

    const inner = (fields: Partial<Fields>): string => {
      const payload = [0x30, 0x39, 0, 7, 0, 12, 0, 0, 1, 2, 3, 4];
      const whole = { source: address('172.20.1.5'), destination: address('172.20.2.0'), payload, ...fields };
      return Buffer.from(packet(whole)).toString('hex');
    };
    /** Sends it from c, with the outer source it may pretend, and checks that b drops it for this reason alone. */
    async function dropped(payload: string, reason: DropReason, from = outer('c')): Promise<void> {
      const was = {
        counters: await lab.counters('b'),
        delivered: await delivered('b'),
        echoes: await lab.net.b.ask('count'),
      };
      await lab.net.c.ask(`send ${outer('b')} ${PORT} ${from} ${payload}`);
      await until(reason, async () => (await lab.drops('b', reason)) > was.counters.drops[reason]);
      const now = await lab.counters('b');
      assert.deepEqual(now.drops, { ...was.counters.drops, [reason]: was.counters.drops[reason] + 1 });
      assert.deepEqual(now.received, was.counters.received);
      assert.deepEqual([await delivered('b'), await lab.net.b.ask('count')], [was.delivered, was.echoes]);
    }

    it('delivers a sound one of a peer (so that the others fail for what is wrong with them)', async () => {
      const was = (await lab.net.b.ask('count')) as number;
      const { received } = await lab.counters('b');
      await lab.net.c.ask(`send ${outer('b')} ${PORT} ${outer('c')} ${inner({ source: address('172.20.3.9') })}`);
      await until('it is delivered', async () => (await lab.net.b.ask('count')) === was + 1);
      await until('it is counted', async () => (await lab.counters('b')).received.packets > received.packets);
    });

    it('drops a peer’s packets in the name of another peer, of ourselves, or of anybody', async () => {
      for (const source of [
        '172.20.1.5',
        '172.20.2.5',
        '172.20.9.1',
        '8.8.8.8',
        '127.0.0.1',
        '10.200.0.1',
        '0.0.0.0',
      ]) {
        await dropped(inner({ source: address(source) }), 'inner-source-foreign');
      }
    });

    it('drops a peer’s packets that are not for our subnet', async () => {
      const source = address('172.20.3.9');
      for (const to of [
        '172.20.1.5',
        '172.20.3.9',
        '10.200.0.2',
        '8.8.8.8',
        '224.0.0.1',
        '255.255.255.255',
        '127.0.0.1',
      ]) {
        await dropped(inner({ source, destination: address(to) }), 'inner-destination-foreign');
      }
    });

    it('drops what is no sound packet', async () => {
      const source = address('172.20.3.9');
      const sound = inner({ source });
      await dropped('', 'truncated');
      await dropped(sound.slice(0, 30), 'truncated');
      await dropped(sound.slice(0, -2), 'truncated');
      await dropped(`6${sound.slice(1)}`, 'not-ip4');
      await dropped(`ff${sound.slice(2)}`, 'not-ip4');
      await dropped(`44${sound.slice(2)}`, 'truncated');
      await dropped(`${sound.slice(0, 20)}0000${sound.slice(24)}`, 'bad-checksum');
      await dropped('00'.repeat(9000), 'not-ip4');
    });

    it('drops everything of a stranger, and of one whose table entry is gone', async () => {
      await lab.forwards('b', 'a');
      for (const source of ['172.20.1.5', '172.20.3.9', '172.20.2.5']) {
        await dropped(inner({ source: address(source) }), 'outer-source-unknown');
      }
      await dropped('', 'outer-source-unknown');
      await dropped('00', 'outer-source-unknown');
      await inside('c', 'ip', 'address', 'add', '10.200.0.44/24', 'dev', 'eth0');
      await dropped(inner({}), 'outer-source-unknown', '10.200.0.44');
      await lab.forwards('b', 'a', 'c');
    });

    it('survives a flood of garbage, of strangers and of a peer, and goes on', async () => {
      const chaos = (i: number): number => (i * 2654435761) >>> 0;
      const noise = Array.from({ length: 1000 }, (_, i) =>
        chaos(i)
          .toString(16)
          .padStart(8, '4')
          .repeat(1 + (i % 20)),
      );
      /** Sound outside, broken within: consecutive TCP segments and datagrams with one byte changed. */
      const broken = Array.from({ length: 1000 }, (_, i) => {
        const tcp = { sequence: (i >> 3) * 100, ack: 1, flags: i % 3 === 0 ? 0x18 : 0x10, options: [1, 1, 1, 1] };
        const ends = { source: address('172.20.3.9'), destination: address('172.20.2.0') };
        const bytes = segment({ ...ends, data: new Array<number>(100).fill(i & 255), ...(i % 2 === 0 && { tcp }) });
        bytes[20 + (chaos(i) % (bytes.length - 20))] = chaos(i + 7) & 255;
        return Buffer.from(bytes).toString('hex');
      });
      const to = `send ${outer('b')} ${PORT} ${outer('c')}`;
      await lab.net.c.ask(`${to} ${noise.join(' ')}`);
      await lab.net.c.ask(`${to} ${broken.join(' ')}`);
      assert.ok(answered(await ping('a', device('b'))));
      assert.ok(answered(await ping('b', device('a'))));
    });
  });
