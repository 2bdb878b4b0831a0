/** The stage on which n3 sends forged packets to n1, through the tunnel of vxlan and past it. */
import assert from 'node:assert/strict';
import type { SourceCounters } from '../../src/model/carrier-report.ts';
import { parseMac } from '../../src/model/mac.ts';
import { type Child, startChild } from './children.ts';
import type { TestLab } from './lab.ts';
import { addContainers, statusOf } from './lab-daemon.ts';
import { address, packet } from './packets.ts';
import { until } from './until.ts';

type Reason = keyof SourceCounters['drops'];

export const ECHO_PORT = 7;
/** On n3's interface, but no node's. */
export const STRANGER = '198.18.0.44';
export const outer = (number: number): string => `198.18.0.${number}`;

/** A UDP datagram to the echo, without a checksum, in an IPv4 packet. */
export const datagram = (source: string, destination: string, size = 4): Uint8Array =>
  packet({
    source: address(source),
    destination: address(destination),
    payload: [0x30, 0x39, 0, ECHO_PORT, (8 + size) >> 8, (8 + size) & 255, 0, 0, ...new Array<number>(size).fill(1)],
  });

export interface Frame {
  readonly from: string;
  readonly to: string;
  readonly type?: number;
  readonly vni?: number;
}

/** What VXLAN carries after the UDP header, in hexadecimal digits. */
export function tunnelled({ from, to, type = 0x0800, vni = 1 }: Frame, inner: Uint8Array): string {
  const header = [8, 0, 0, 0, 0, 0, vni, 0];
  const bytes = [...header, ...parseMac(to)!.bytes, ...parseMac(from)!.bytes, type >> 8, type & 255, ...inner];
  return Buffer.from(bytes).toString('hex');
}

/** The scene of one lab: addresses of the containers, and processes on n1 and n3 that receive and send. */
export interface Stage {
  readonly pods: string[];
  readonly net: Map<number, Child>;
  counters(): Promise<SourceCounters>;
  received(): Promise<number>;
  /** These lines to n3's sender come through, each once. */
  comes(...lines: string[]): Promise<void>;
  /** None of these comes through; each is counted under this reason. */
  dropped(reason: Reason, ...lines: string[]): Promise<void>;
}

const DROPS: readonly Reason[] = [
  'outer-source-unknown',
  'inner-source-foreign',
  'inner-destination-foreign',
  'not-ip4',
];

export function stage(test: TestLab): Stage {
  const net = new Map<number, Child>();
  const pods: string[] = [];
  const ask = (number: number, line: string) => net.get(number)!.ask(line);
  const received = async () => (await ask(1, 'count')) as number;
  const counters = async () => (await statusOf(test, 1)).node?.counters as SourceCounters;
  async function dropped(reason: Reason, ...lines: string[]): Promise<void> {
    const [was, before] = [(await counters()).drops, await received()];
    for (const line of lines) {
      await ask(3, line);
    }
    await until(reason, async () => ((await counters()).drops[reason] ?? 0) >= (was[reason] ?? 0) + lines.length);
    const now = (await counters()).drops;
    for (const other of DROPS)
      assert.equal(now[other], (was[other] ?? 0) + (other === reason ? lines.length : 0), other);
    assert.equal(await received(), before);
  }
  async function comes(...lines: string[]): Promise<void> {
    for (const line of lines) {
      const before = await received();
      await ask(3, line);
      await until(line.slice(0, 60), async () => (await received()) === before + 1);
    }
  }
  before(async () => {
    pods.push(...(await addContainers(test, [1, 2, 3])));
    for (const number of [1, 3]) net.set(number, await startChild(test.node(number).namespace, 'net-node'));
    await ask(1, `echo ${pods[0]} ${ECHO_PORT}`);
    await test.run(3, 'ip', 'addr', 'add', `${STRANGER}/16`, 'dev', 'eth0');
  });
  after(() => Promise.all([...net.values()].map((child) => child.end())));
  return { pods, net, counters, received, comes, dropped };
}

/** Datagrams that n3 sends untunnelled to n1's container from these addresses, which it gives itself for it. */
export async function untunnelled(test: TestLab, { pods }: Stage, sources: readonly string[]): Promise<string[]> {
  const known = (await test.run(3, 'ip', '-o', 'addr')).stdout;
  for (const source of sources)
    if (!known.includes(`${source}/`)) await test.run(3, 'ip', 'addr', 'add', `${source}/32`, 'dev', 'lo');
  await test.run(3, 'ip', 'route', 'replace', `${pods[0]}/32`, 'via', outer(1), 'dev', 'eth0');
  return sources.map((source) => `send ${pods[0]} ${ECHO_PORT} ${source} 01`);
}

/** A second way from n3 to n1, which is not the underlay: a datagram over it from this address. */
export async function aside(test: TestLab, { pods }: Stage, source: string): Promise<string> {
  const peer = ['peer', 'name', 'aside3', 'netns', test.node(3).namespace];
  await test.run(1, 'ip', 'link', 'add', 'aside1', 'type', 'veth', ...peer);
  for (const number of [1, 3]) {
    await test.run(number, 'ip', 'addr', 'add', `192.0.2.${number}/24`, 'dev', `aside${number}`);
    await test.run(number, 'ip', 'link', 'set', `aside${number}`, 'up');
  }
  await test.run(3, 'ip', 'addr', 'add', `${source}/32`, 'dev', 'lo');
  await test.run(3, 'ip', 'route', 'replace', `${pods[0]}/32`, 'via', '192.0.2.1', 'dev', 'aside3');
  return `send ${pods[0]} ${ECHO_PORT} ${source} 01`;
}

export const sibling = (pod: string, last: number): string => pod.replace(/\.1$/, `.${last}`);
