/** What containers of a ground say of each other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import { nsenterArgs } from '../../src/kernel/linux/netns.ts';
import type { Container } from './ground.ts';
import { until } from './until.ts';

/** Waits until a container's ping reaches the other one. */
export const pingable = (from: Container, to: Container, ms = 60_000): Promise<void> =>
  until(`${from.ip} reaches ${to.ip}`, () => pings(from, to.ip), ms);

/** Whether one ping is answered within a second. */
export async function pings(from: Container, ip: string): Promise<boolean> {
  const [enter, ...inside] = nsenterArgs(from.namespace) as [string, ...string[]];
  const { exitCode } = await execa(enter, [...inside, '--', 'ping', '-n', '-c', '1', '-W', '1', ip], { reject: false });
  return exitCode === 0;
}

/** The source address that a container's ping arrives with. */
export async function sourceSeen(from: Container, to: Container): Promise<string> {
  const [enter, ...inside] = nsenterArgs(to.namespace) as [string, ...string[]];
  const filter = 'icmp[icmptype] == icmp-echo';
  const argv = [
    ...inside,
    '--',
    'tcpdump',
    '--immediate-mode',
    '-Z',
    'root',
    '-l',
    '-n',
    '-c',
    '1',
    '-i',
    'eth0',
    filter,
  ];
  const capture = spawn(enter, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, said] = ['', ''];
  capture.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  capture.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  await until('tcpdump listens', () => said.includes('listening on'));
  const ended = once(capture, 'close');
  await pingable(from, to);
  await ended;
  return / IP (\S+) >/.exec(text)?.[1] ?? '';
}
