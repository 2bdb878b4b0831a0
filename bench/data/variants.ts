/** The ways for packets that are compared. */
import { CARRIER_TYPES, type CarrierType } from '../../src/model/backend-config.ts';
import type { Host } from '../../test/support/ground.ts';
import type { Variant } from './scene.ts';
import { CABLE } from './underlay.ts';

const IFACE = `--iface=${CABLE}`;
const ours = (host: Host) => host.startTsflannel('up', IFACE);

/** Backend udp by one carrier. */
export const udpBy = (carrier: CarrierType): Variant => ({
  name: `udp/${carrier}`,
  config: ['--backend', 'udp', '--backend-option', `Carrier=${carrier}`],
  start: ours,
  carrier,
});

/** Past the receiving host's filters and tracking of connections. */
const DIRECT: Variant = {
  ...udpBy('ebpf'),
  name: 'udp/ebpf direct',
  config: ['--backend', 'udp', '--backend-option', 'Carrier=ebpf', '--backend-option', 'DirectDelivery=true'],
};

/** All variants; those of the real flanneld where FLANNELD names one. */
export function variants(flanneld = process.env.FLANNELD): readonly Variant[] {
  const theirs = (backend: string): Variant[] =>
    flanneld === undefined
      ? []
      : [
          {
            name: `flanneld ${backend}`,
            config: ['--backend', backend],
            start: (host: Host) => host.startFlanneld(flanneld, IFACE),
          },
        ];
  return [
    { name: 'raw' },
    { name: 'host-gw', config: ['--backend', 'host-gw'], start: ours },
    { name: 'vxlan', config: ['--backend', 'vxlan'], start: ours },
    ...CARRIER_TYPES.map(udpBy),
    DIRECT,
    ...theirs('udp'),
    ...theirs('vxlan'),
  ];
}
