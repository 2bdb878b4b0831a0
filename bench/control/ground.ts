/** One cluster for one measurement: etcd, hosts, probes beside them, and the daemons that are compared. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '../../test/support/children.ts';
import { type Ground, type Host, makeGround, type Running } from '../../test/support/ground.ts';
import { GROUNDS } from '../leftovers.ts';
import type { BackendType } from '../probe/etcd.ts';
import type { Question } from '../probe/node.ts';

/** A daemon under test. */
export interface Subject {
  readonly name: string;
  start(host: Host): Running;
  /** What it says when it forwards. */
  readonly ready: RegExp;
}

const tsflannel = (name: string, ...args: string[]): Subject => ({
  name,
  start: (host) => host.startTsflannel('up', ...args),
  ready: / ready /,
});

const flanneldAt = (path: string): Subject => ({
  name: 'flanneld',
  start: (host) => host.startFlanneld(path),
  ready: /Running backend/,
});

export const TSFLANNEL = tsflannel('tsflannel');

/** tsflannel (for udp with each of its carriers), and the real flanneld where FLANNELD names one. */
export const subjects = (backend: BackendType, flanneld = process.env.FLANNELD): readonly Subject[] => [
  ...(backend === 'udp'
    ? (['ebpf', 'tun'] as const).map((carrier) => tsflannel(`tsflannel, ${carrier}`, '--udp-carrier', carrier))
    : [TSFLANNEL]),
  ...(flanneld === undefined ? [] : [flanneldAt(flanneld)]),
];

export interface Probe {
  ask<T>(name: string, question?: Partial<Question>): Promise<T>;
}

export interface Stage {
  readonly ground: Ground;
  readonly host: Host;
  /** In the first host's namespace. */
  readonly probe: Probe;
  /** In the namespace of the underlay, where etcd is and where the peers of udp are. */
  readonly outside: Probe;
}

async function probeIn(namespace: string, endpoint: string): Promise<Probe & { end(): Promise<unknown> }> {
  const child = await startProgram(namespace, 'bench/probe/node.ts', endpoint);
  return {
    ask: async <T>(name: string, question: Partial<Question> = {}) =>
      (await child.ask(JSON.stringify({ ask: name, ...question }))) as T,
    end: () => child.kill('SIGKILL'),
  };
}

/** A network of 10.0.0.0/8, of which the hosts take the first subnets and peers those from 10.128.0.0 on. */
const CONFIG = ['config', 'set', '--network', '10.0.0.0/8', '--subnet-len', '24'];

/** Makes a cluster of `hosts`, lets `use` work on it, and removes it. */
export async function onStage<T>(backend: BackendType, hosts: number, use: (stage: Stage) => Promise<T>): Promise<T> {
  const ground = await makeGround(GROUNDS.control, hosts);
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const host = ground.hosts[0] as Host;
    await host.tsflannel(...CONFIG, '--backend', backend);
    for (const each of ground.hosts) await each.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
    const probe = await probeIn(host.namespace, ground.endpoint);
    ends.push(probe.end);
    const outside = await probeIn(ground.underlay, ground.endpoint);
    ends.push(outside.end);
    return await use({ ground, host, probe, outside });
  } finally {
    for (const end of ends) await end();
    await ground.close();
  }
}

/** Runs `action`, which takes some time; fails with what the daemon said when the daemon ends or when it takes over a minute and a half. */
export async function unlessDead<T>(daemon: Running, action: Promise<T>): Promise<T> {
  let over = false;
  const watch = async (): Promise<never> => {
    for (const end = Date.now() + 90_000; !over && daemon.exit() === undefined && Date.now() < end; ) await sleep(20);
    throw new Error(`the daemon ended, or nothing came of it:\n${daemon.said().slice(-2000)}`);
  };
  try {
    return await Promise.race([action, watch()]);
  } finally {
    over = true;
  }
}

/** Resident memory in MB: now, and at its highest. */
export function memoryOf(pid: number): { rss: number; peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1024;
  return { rss: of('VmRSS'), peak: of('VmHWM') };
}

/** CPU time used so far, in milliseconds. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
