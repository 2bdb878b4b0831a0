import { checksum } from '../../model/checksum.ts';
import { writePacket } from './flow-packets.ts';
import { FLOW_PORT } from './flow-wire.ts';

/** Tunnel packets as only somebody who means harm, or errs, sends them. Addresses are IPv4 in dotted digits. */

const bytesOf = (ip: string): number[] => ip.split('.').map(Number);

/** A flow's packet from container to container, in IPv4 and UDP. One that arrives is counted as astray: it is for number 0, which nobody is. */
export function innerPacket({ from, to, id }: { readonly from: string; readonly to: string; readonly id: number }, size = 0): Buffer {
  const payload = Buffer.concat([writePacket({ from: id, to: 0, seq: 0, at: 0 }), Buffer.alloc(size)]);
  const packet = Buffer.alloc(28 + payload.length);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17], 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.set([...bytesOf(from), ...bytesOf(to)], 12);
  packet.writeUInt16BE(checksum(new DataView(packet.buffer, packet.byteOffset), 0, 20), 10);
  packet.writeUInt16BE(FLOW_PORT, 20);
  packet.writeUInt16BE(FLOW_PORT, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  packet.set(payload, 28);
  return packet;
}
