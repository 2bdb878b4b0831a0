import fc from 'fast-check';
import { type KernelObject, OWN } from '../../src/kernel/state.ts';
import { ip, mac, prefix } from './values.ts';

const small = fc.integer({ min: 1, max: 4 });
const device = fc.constantFrom('flannel.1', 'flannel0', 'eth0');
const strict = { noNullPrototype: true } as const;
const made = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<KernelObject> =>
  arbitrary as unknown as fc.Arbitrary<KernelObject>;

/** A small world, so that keys run into each other. */
export const anyObject: fc.Arbitrary<KernelObject> = fc.oneof(
  made(
    fc.record(
      {
        kind: fc.constant('link'),
        name: device,
        alias: fc.constant(`${OWN.aliasPrefix}x`),
        mtu: fc.constantFrom(1450, 1472),
        up: fc.boolean(),
        link: fc.constant({ type: 'tun' }),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('address'),
        device,
        ip: small.map((n) => ip(`10.5.${n}.0`)),
        length: fc.constantFrom(24, 32),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('route'),
        dst: small.map((n) => prefix(`10.5.${n}.0/24`)),
        device,
        onlink: fc.boolean(),
        metric: fc.constantFrom(0, 5),
        protocol: fc.constant(OWN.routeProtocol),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('neighbour'),
        device,
        ip: small.map((n) => ip(`10.5.${n}.0`)),
        mac: small.map((n) => mac(`02:00:00:00:00:0${n}`)),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('fdb'),
        device,
        mac: small.map((n) => mac(`02:00:00:00:00:0${n}`)),
        dst: small.map((n) => ip(`10.200.0.${n}`)),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('forward'),
        device,
        subnet: small.map((n) => prefix(`10.5.${n}.0/24`)),
        nextHop: small.map((n) => ip(`10.200.0.${n}`)),
        port: fc.constant(8285),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('carrier'),
        device,
        local: small.map((n) => ip(`10.200.0.${n}`)),
        port: fc.constant(8285),
        mtu: fc.constant(1472),
        network: fc.constant(prefix('10.5.0.0/16')),
        subnet: small.map((n) => prefix(`10.5.${n}.0/24`)),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('chain'),
        table: fc.constantFrom('filter', 'nat'),
        name: fc.constant('TSFLANNEL-X'),
        rules: fc.array(
          fc.record(
            {
              source: small.map((n) => ({ prefix: prefix(`10.5.${n}.0/24`), not: false })),
              target: fc.constantFrom('ACCEPT', 'RETURN'),
            },
            strict,
          ),
          { maxLength: 2 },
        ),
      },
      strict,
    ),
  ),
  made(
    fc.record(
      { kind: fc.constant('sysctl'), name: fc.constant('net.ipv4.ip_forward'), value: fc.constantFrom('0', '1') },
      strict,
    ),
  ),
  made(
    fc.record(
      {
        kind: fc.constant('file'),
        path: fc.constantFrom('/a', '/b'),
        content: fc.constantFrom('x', 'y'),
        mode: fc.constant(0o644),
      },
      strict,
    ),
  ),
);
