/** What a flow between containers loses while the daemons of both ends are restarted, or killed and started again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startProgram } from '../../test/support/children.ts';
import { pingable } from '../../test/support/containers.ts';
import type { Host, Running } from '../../test/support/ground.ts';
import { until } from '../../test/support/until.ts';
import type { BackendType } from '../probe/etcd.ts';
import { now } from '../stats.ts';
import { onStage, type Stage, type Subject } from './ground.ts';

export interface Restarts {
  /** Packets sent (1,000 a second) and lost over all restarts. */
  readonly sent: number;
  readonly lost: number;
  /** Longest pause of each restart at the receiver, in milliseconds. */
  readonly gaps: readonly number[];
  /** Start of the new process to the first packet after the pause, where packets were lost in it. */
  readonly fromStart: readonly number[];
}

interface Gap {
  readonly ms: number;
  readonly to: number;
}

const PAUSE_MS = 400;
const FLOW = 'bench/probe/flow.ts';

async function startReady(subject: Subject, host: Host): Promise<Running> {
  const daemon = subject.start(host);
  await until(`${host.name} is ready`, () => subject.ready.test(daemon.said()), 20_000);
  return daemon;
}

interface Flow {
  readonly sender: Child;
  readonly receiver: Child;
}

async function startFlow({ ground }: Stage): Promise<Flow> {
  const [first, second] = ground.hosts as [Host, Host];
  const [from, to] = [await ground.attach(first), await ground.attach(second)];
  await pingable(from, to);
  const receiver = await startProgram(to.namespace, FLOW, 'receive');
  const sender = await startProgram(from.namespace, FLOW, 'send', to.ip);
  await until('packets flow', async () => Number(await receiver.ask('count')) > 200);
  return { sender, receiver };
}

async function lossOf({ sender, receiver }: Flow): Promise<{ sent: number; lost: number }> {
  const sent = Number(await sender.ask('stop'));
  await sleep(300);
  return { sent, lost: sent - Number(await receiver.ask('count')) };
}

/** `count` restarts by this signal, on the sender's host and the receiver's in turn. */
export const measureRestarts = (
  subject: Subject,
  backend: BackendType,
  signal: NodeJS.Signals,
  count: number,
): Promise<Restarts> =>
  onStage(backend, 2, async (stage) => {
    const { hosts } = stage.ground;
    const daemons: Running[] = [];
    for (const host of hosts) daemons.push(await startReady(subject, host));
    const flow = await startFlow(stage);
    const gaps: Gap[] = [];
    const starts: number[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const at = i % hosts.length;
        await flow.receiver.ask('gap');
        await daemons[at]?.stop(signal);
        starts.push(now());
        daemons[at] = await startReady(subject, hosts[at] as Host);
        await sleep(PAUSE_MS);
        gaps.push((await flow.receiver.ask('gap')) as Gap);
      }
      const loss = await lossOf(flow);
      const fromStart = loss.lost === 0 ? [] : gaps.map(({ to }, i) => to - (starts[i] ?? 0)).filter((ms) => ms > 0);
      return { ...loss, gaps: gaps.map(({ ms }) => ms), fromStart };
    } finally {
      await flow.sender.kill('SIGKILL');
      await flow.receiver.kill('SIGKILL');
    }
  });
