import assert from 'node:assert/strict';
import type { Offloads } from '../../../src/forwarder/job.ts';
import { device, scene, specOf } from './scene.ts';

/** Kernels that lack something, the newest first; the other end has everything. */
const KERNELS: readonly (readonly (keyof Offloads)[])[] = [
  [],
  ['udp'],
  ['segment'],
  ['gro'],
  ['segment', 'gro'],
  ['tcp', 'udp'],
  ['tcp', 'udp', 'segment', 'gro'],
];

for (const without of KERNELS) {
  describe(`forwarder/tun without ${without.join(', ') || 'lack of anything'}`, function () {
    this.timeout(300_000);
    const lab = scene(async ({ net, startForwarder }) => {
      await startForwarder(specOf('a', ['b'], without));
      await startForwarder(specOf('b', ['a']));
      for (const name of ['a', 'b'] as const) {
        await net[name].ask(`echo ${device(name)} 7`);
        await net[name].ask(`digest ${device(name)} 80`);
      }
    });

    it('carries TCP both ways, every byte', async () => {
      assert.equal(await lab.net.a.ask(`transfer ${device('b')} 80 30000001`), true);
      assert.equal(await lab.net.b.ask(`transfer ${device('a')} 80 30000001`), true);
    });

    it('carries bursts of UDP both ways, every datagram', async () => {
      for (const size of [1, 64, 999, 1400, 1444]) {
        const count = Math.min(64, Math.floor(64_000 / size));
        assert.equal(await lab.net.a.ask(`burst ${device('b')} 7 ${size} ${count}`), true, `${size} from a`);
        assert.equal(await lab.net.b.ask(`burst ${device('a')} 7 ${size} ${count}`), true, `${size} from b`);
      }
    });

    it('carries UDP of odd sizes and in fragments', async () => {
      const sizes = [0, 1, 2, 3, 1400, 1443, 1444, 1445, 1472, 3001, 20_000];
      assert.deepEqual(await lab.net.a.ask(`exchange ${device('b')} 7 ${sizes.join(' ')}`), []);
      assert.deepEqual(await lab.net.b.ask(`exchange ${device('a')} 7 ${sizes.join(' ')}`), []);
    });
  });
}
