import assert from 'node:assert/strict';
import { usageOf } from '../../../src/lease/choose.ts';
import { isNearlyFull, type RouteRow, usageText } from '../../../src/model/report.ts';
import { leasesText } from '../../../src/output/routes.ts';
import { networkOf, nodeLease } from '../../support/values.ts';

const row: RouteRow = {
  ...{ key: 'k', subnet: '10.5.1.0/24', node: 'n1', publicIp: '10.0.0.1', backend: 'vxlan' },
  state: 'ok',
  leaseId: '7',
};

describe('how full the network is', () => {
  it('counts what the config hands out', () => {
    const leases = [nodeLease('10.5.1.0/24', 1), nodeLease('10.5.2.0/25', 2), nodeLease('10.9.2.0/24', 3)];
    assert.deepEqual(usageOf(networkOf(), leases), { leased: 1, count: 255 });
    assert.equal(usageText({ leased: 1, count: 255 }), '1 of 255 subnets are leased (0 %)');
  });

  it('warns from 80 % on', () => {
    assert.equal(isNearlyFull({ leased: 203, count: 255 }), false);
    assert.equal(isNearlyFull({ leased: 204, count: 255 }), true);
    assert.match(leasesText([row], { leased: 204, count: 255 }), /\n\nWarning: 204 of 255 .*--dead/);
    assert.doesNotMatch(leasesText([row], { leased: 203, count: 255 }), /Warning/);
  });
});
