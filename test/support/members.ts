/** What tests of `init` look at: the results of commands, the processes and files of a member. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { birthOf } from '../../src/etcd/proc.ts';
import type { Ran, TestHost } from './hosts.ts';

type Json = Record<string, unknown>;

export const json = (ran: Ran): Json => JSON.parse(ran.stdout) as Json;
export const members = (ran: Ran) => (json(ran).members ?? []) as { name: string; status: string; isLeader: boolean }[];
export const clusterId = async (host: TestHost) => json(await host.tsflannel('etcd', 'status', '--json')).clusterId;

export const pidOf = (host: TestHost, key: 'etcd' | 'supervisor'): number =>
  (JSON.parse(readFileSync(join(host.dir, 'run', 'etcd.json'), 'utf8')) as Record<string, number>)[key] as number;

export const alive = (pid: number): boolean => birthOf(pid) !== '';
export const healthy = async (host: TestHost) => (await host.tsflannel('etcd', 'status')).exit === 0;

/** `init` of a member of this name, by plain http and the discovery URL. */
export const initBy = (url: string, name: string): string[] =>
  ['init', '--yes', '--insecure', '--name', name].concat('--discovery', url);

export function succeeds(ran: Ran): Ran {
  assert.equal(ran.exit, 0, `${ran.stderr}\n${ran.stdout}`);
  return ran;
}

/** Ends members and checks that nothing of them is left but empty folders. */
export async function purge(...hosts: readonly TestHost[]): Promise<void> {
  for (const host of hosts) {
    succeeds(await host.tsflannel('etcd', 'stop', '--purge', '--yes'));
    assert.deepEqual(readdirSync(host.dir, { recursive: true }).sort(), ['etc', 'run']);
  }
}
