import assert from 'node:assert/strict';
import { type Tables, waysOf } from '../../../../src/lab/chaos/ways.ts';

const TABLES: Tables = {
  routes: [
    { dst: '10.97.1.0/24', dev: 'pods' },
    { dst: '10.97.2.0/24', gateway: '10.97.2.0', dev: 'flannel.1' },
    { dst: '10.97.3.0/24', gateway: '10.97.3.0', dev: 'flannel.1' },
    { dst: '10.97.4.0/24', gateway: '198.18.0.4', dev: 'eth0' },
  ],
  neighbours: [
    { dst: '10.97.2.0', lladdr: 'aa:00:00:00:00:02' },
    { dst: '10.97.3.0', lladdr: 'aa:00:00:00:00:03' },
  ],
  fdb: [
    { mac: 'aa:00:00:00:00:02' },
    { mac: 'aa:00:00:00:00:02', dst: '198.18.0.2' },
    { mac: 'aa:00:00:00:00:03', dst: '198.18.0.3' },
  ],
};

describe('chaos: where the kernel leads packets to', () => {
  it('takes a route, the MAC of its gateway and where that MAC is, with vxlan', () => {
    assert.deepEqual(waysOf(TABLES, 'flannel.1'), [
      { subnet: '10.97.2.0/24', publicIp: '198.18.0.2' },
      { subnet: '10.97.3.0/24', publicIp: '198.18.0.3' },
    ]);
  });

  it('is no way where one of the three is missing', () => {
    const without = [{ neighbours: TABLES.neighbours.slice(1) }, { fdb: TABLES.fdb.toSpliced(1, 1) }];
    for (const change of without)
      assert.deepEqual(waysOf({ ...TABLES, ...change }, 'flannel.1'), [
        { subnet: '10.97.3.0/24', publicIp: '198.18.0.3' },
      ]);
  });

  it('takes the gateway itself with host-gw', () => {
    assert.deepEqual(waysOf(TABLES, 'eth0'), [{ subnet: '10.97.4.0/24', publicIp: '198.18.0.4' }]);
  });
});
