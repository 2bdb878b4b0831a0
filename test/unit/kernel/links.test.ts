import assert from 'node:assert/strict';
import { mustBeMadeAnew } from '../../../src/kernel/links.ts';
import type { Link } from '../../../src/kernel/state.ts';
import { ip } from '../../support/values.ts';

/** flannel.1 on this device, as observe names it: `#index` where the interface it was made on is gone. */
const vxlan = (device: string, parts: Partial<Link> = {}): Link => ({
  kind: 'link',
  name: 'flannel.1',
  alias: 'tsflannel',
  mtu: 1450,
  up: true,
  link: { type: 'vxlan', vni: 1, port: 8472, local: ip('10.200.0.1'), device, learning: false, gbp: false },
  ...parts,
});

describe('links', () => {
  it('makes a tunnel device anew when the interface under it was, and only changes what can be changed', () => {
    assert.ok(mustBeMadeAnew(vxlan('#7'), vxlan('eth0')));
    assert.ok(!mustBeMadeAnew(vxlan('eth0'), vxlan('eth0', { mtu: 1400, up: false })));
  });
});
