import { randomBytes } from 'node:crypto';
import { checksum } from '../../model/checksum.ts';
import { writePacket } from './flow-packets.ts';
import { FLOW_PORT } from './flow-wire.ts';

/** Tunnel packets as only somebody who means harm, or errs, sends them. Addresses are IPv4 in dotted digits. */

/** A container as a packet names it. */
export interface Named {
  readonly id: number;
  readonly ip: string;
  /** Of its node's VTEP, where there is one; six bytes in hexadecimal digits. */
  readonly mac: string;
}

const bytesOf = (ip: string): number[] => ip.split('.').map(Number);

/** A flow's packet between containers, in IPv4 and UDP. One that arrives is counted as astray: it is for number 0, which nobody is. */
function innerPacket(source: string, destination: string, id: number): Buffer {
  const payload = writePacket({ from: id, to: 0, ip: destination, seq: 0, at: 0 });
  const packet = Buffer.alloc(28 + payload.length);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17], 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.set([...bytesOf(source), ...bytesOf(destination)], 12);
  packet.writeUInt16BE(checksum(new DataView(packet.buffer, packet.byteOffset), 0, 20), 10);
  packet.writeUInt16BE(FLOW_PORT, 20);
  packet.writeUInt16BE(FLOW_PORT, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  packet.set(payload, 28);
  return packet;
}

type Tunnel = (inner: Buffer, from: string, to: string, vni?: number) => Buffer;

const vxlan: Tunnel = (inner, from, to, vni = 1) =>
  Buffer.concat([Buffer.from(`08000000${vni.toString(16).padStart(6, '0')}00${to}${from}0800`, 'hex'), inner]);

const udp: Tunnel = (inner) => inner;

const NOBODYS_MAC = '020000000077';
const STRAY = 2_900;

/**
 * What is thrown at `at`, by somebody who is no node, in the name of `peer`, of a third and of nobody: for the container there and for others,
 * in other networks, cut short, with a tail, and noise.
 */
export function forgeries(backend: 'vxlan' | 'udp', at: Named, peer: Named, third: Named): readonly Buffer[] {
  const tunnel = backend === 'vxlan' ? vxlan : udp;
  const packet = (source: string, destination = at.ip) => innerPacket(source, destination, peer.id);
  const fine = tunnel(packet(peer.ip), peer.mac, at.mac);
  return [
    fine,
    tunnel(packet(third.ip), peer.mac, at.mac),
    tunnel(packet(at.ip), at.mac, at.mac),
    tunnel(packet('8.8.8.8'), NOBODYS_MAC, at.mac),
    tunnel(packet(peer.ip, third.ip), peer.mac, at.mac),
    tunnel(packet(peer.ip, '255.255.255.255'), peer.mac, at.mac),
    ...(backend === 'vxlan' ? [tunnel(packet(peer.ip), peer.mac, at.mac, 7)] : []),
    fine.subarray(0, fine.length - 40),
    fine.subarray(0, 9),
    Buffer.concat([fine, Buffer.alloc(STRAY)]),
    randomBytes(fine.length),
    Buffer.alloc(0),
  ];
}
