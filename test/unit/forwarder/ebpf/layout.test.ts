import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBpfObject } from '../../../../src/forwarder/ebpf/elf.ts';
import { FORWARD, layoutHeader, SETTINGS, SUBNET, TRAFFIC } from '../../../../src/forwarder/ebpf/layout.ts';
import { carrierOf, settingsOf } from '../../../../src/forwarder/ebpf/settings.ts';
import { NO_STRIP } from '../../../../src/forwarder/ebpf/strip.ts';
import type { Carrier } from '../../../../src/kernel/state.ts';
import { packageRoot } from '../../../../src/root.ts';
import { ip, prefix } from '../../../contract/kernel/objects.ts';

const pathOf = (name: string): string => join(packageRoot(), 'bpf', name);

describe('forwarder/ebpf/layout', () => {
  it('is what bpf/layout.h says (else: npm run bpf)', () => {
    assert.equal(readFileSync(pathOf('layout.h'), 'utf8'), layoutHeader());
  });

  it('is what the maps of the object hold', () => {
    const parsed = parseBpfObject(readFileSync(pathOf('carrier.o')));
    assert.ok(parsed.ok);
    const sizes = Object.fromEntries(
      parsed.value.maps.map(({ name, keySize, valueSize }) => [name, [keySize, valueSize]]),
    );
    assert.deepEqual(sizes, {
      settings: [4, SETTINGS.size],
      forwards: [SUBNET.size, FORWARD.size],
      hops: [4, 4],
      peers: [4, TRAFFIC.size],
      totals: [4, TRAFFIC.size],
      drops: [4, 8],
    });
  });

  it('has every field at a multiple of its size, so that C puts no gap between them', () => {
    const sizes = { be16: 2, be32: 4, u16: 2, u32: 4, u64: 8 };
    for (const { name, fields } of [SETTINGS, SUBNET, FORWARD, TRAFFIC]) {
      let at = 0;
      for (const [type, field] of fields) {
        assert.equal(at % sizes[type], 0, `${name}.${field}`);
        at += sizes[type];
      }
    }
  });

  it('writes addresses and ports as on the wire, the rest as the machine does', () => {
    const bytes = FORWARD.encode({ hop: 0x0ac80002, port: 8285, in_kernel: 1, peer: 0x01020304 });
    assert.equal(bytes.toString('hex'), '0ac80002205d010004030201');
    assert.deepEqual(FORWARD.decode(bytes), { hop: 0x0ac80002, port: 8285, in_kernel: 1, peer: 0x01020304 });
  });

  it('gives a carrier back as it was told', () => {
    const carrier: Carrier = {
      kind: 'carrier',
      type: 'ebpf',
      device: 'flannel0',
      local: ip('203.0.113.255'),
      port: 65_535,
      mtu: 8972,
      network: prefix('128.0.0.0/4'),
      subnet: prefix('140.20.57.64/30'),
      sourceCheck: 'subnet',
      directDelivery: true,
    };
    const devices = { device: 3, underlay: 2, hop: { enter: 5, leave: 4 }, strip: NO_STRIP };
    assert.deepEqual(carrierOf(SETTINGS.decode(SETTINGS.encode(settingsOf(carrier, devices))), 'flannel0'), carrier);
  });
});
