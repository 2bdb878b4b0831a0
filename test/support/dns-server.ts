/** A DNS server for tests: ADDRESS RECORDS (JSON) FILE, which it writes when it listens. It knows A and SRV, over UDP. */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import type { DnsRecords } from './hosts.ts';

const [address = '', text = '{}', ready = ''] = process.argv.slice(2);
const records = JSON.parse(text) as DnsRecords;
const TYPE = { a: 1, srv: 33 } as const;

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The answer points back to the name of the question. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(1, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function answersTo(name: string, type: number): readonly Buffer[] {
  const ip = records.a[name];
  if (type === TYPE.a && ip !== undefined) return [record(TYPE.a, Buffer.from(ip.split('.').map(Number)))];
  if (type !== TYPE.srv) return [];
  return (records.srv[name] ?? []).map(({ target, port }) => {
    const head = Buffer.alloc(6);
    head.writeUInt16BE(port, 4);
    return record(TYPE.srv, Buffer.concat([head, encodeName(target)]));
  });
}

function replyTo(query: Buffer): Buffer {
  const { name, type, end } = question(query);
  const answers = answersTo(name, type);
  const known = records.a[name] !== undefined || records.srv[name] !== undefined;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  // An answer with authority; NXDOMAIN for a name that has no record.
  head.writeUInt16BE(known ? 0x8580 : 0x8583, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(answers.length, 6);
  return Buffer.concat([head, query.subarray(12, end), ...answers]);
}

const socket = createSocket('udp4');
socket.on('message', (query, from) => socket.send(replyTo(query), from.port, from.address));
socket.bind(53, address, () => writeFileSync(ready, ''));
