import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonStatus } from '../../src/control/protocol.ts';
import type { LabNode } from '../../src/lab/index.ts';
import type { StatusReport } from '../../src/model/report.ts';
import { runOn, type TestLab } from './lab.ts';
import { until } from './until.ts';

export const daemonPid = (node: LabNode): number => Number(readFileSync(join(node.dir, 'run', 'daemon.pid'), 'utf8'));

/** As a user's `kill -9` of the daemon: it gets no say; or by another signal. Resolves when the process is gone. */
export async function killDaemon(node: LabNode, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const pid = daemonPid(node);
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /up/);
  process.kill(pid, signal);
  await until('the end of the daemon', () => !existsSync(`/proc/${pid}`));
}

export const daemonLog = (node: LabNode): string => readFileSync(join(node.dir, 'run', 'daemon.log'), 'utf8');

/** What `up --detach` said. */
export async function upAgain(test: TestLab, number: number, ...args: string[]): Promise<DaemonStatus> {
  const { stdout } = await test.run(number, 'tsflannel', 'up', '--detach', '--json', ...args);
  return JSON.parse(stdout) as DaemonStatus;
}

/** `status` of a node; it need not be well. */
export async function statusOf(test: TestLab, number: number): Promise<StatusReport> {
  const { stdout } = await runOn(test.lab, test.node(number), ['tsflannel', 'status', '--json']);
  return JSON.parse(stdout) as StatusReport;
}

/** An address of each node's subnet, on a bridge as Docker's would be. Resolves to the addresses. */
export async function addContainers(test: TestLab, numbers: readonly number[]): Promise<string[]> {
  const addresses: string[] = [];
  for (const number of numbers) {
    const { node } = await statusOf(test, number);
    const address = node?.subnet.replace(/0\/\d+$/, '1') ?? '';
    await test.run(number, 'ip', 'link', 'add', 'pods', 'type', 'bridge');
    await test.run(number, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'pods');
    await test.run(number, 'ip', 'link', 'set', 'pods', 'up');
    addresses.push(address);
  }
  return addresses;
}
