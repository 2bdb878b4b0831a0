/** From a peer's key in etcd to the peer being reached: its route in the kernel; with udp the first datagram that goes its way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { type BackendType, peerSubnet } from '../probe/etcd.ts';
import { onStage, type Stage, type Subject, unlessDead } from './ground.ts';

/** Milliseconds since the key was sent: until the peer was reached, and until etcd had answered. */
export interface Reached {
  readonly reached: number;
  readonly answered: number;
}

interface Times {
  readonly sent: number;
  readonly answered: number;
}

/** Longer than a daemon waits before it looks again. */
const PAUSE_MS = 150;

export const innerOf = (peer: number): string => peerSubnet(peer).replace('.0/24', '.2');

async function byRoute({ probe }: Stage, backend: BackendType, peer: number): Promise<Reached> {
  const { sent, answered, made } = await probe.ask<Times & { made: number }>('reach', { backend, peer });
  return { reached: made - sent, answered: answered - sent };
}

async function byDatagram({ probe, outside }: Stage, backend: BackendType, peer: number): Promise<Reached> {
  const to = [innerOf(peer)];
  await probe.ask('send', { to, count: 1 });
  await sleep(20);
  const seen = outside.ask<number[]>('seen', { to });
  const { sent, answered } = await probe.ask<Times>('put', { backend, peer });
  const [at = Number.NaN] = await seen;
  await probe.ask('quiet');
  return { reached: at - sent, answered: answered - sent };
}

/** One for each of `count` peers. */
export const measurePeer = (subject: Subject, backend: BackendType, count: number): Promise<Reached[]> =>
  onStage(backend, 1, async (stage) => {
    const { host, probe, outside, ground } = stage;
    const peers = ['ip', '-n', ground.underlay, 'route', 'add', 'local', '198.19.0.0/16', 'dev', 'lo'];
    await host.run(...peers);
    await outside.ask('receive');
    await probe.ask('listen');
    const daemon = subject.start(host);
    await until('subnet.env', async () => (await host.env()).FLANNEL_SUBNET !== undefined);
    await sleep(500);
    const times: Reached[] = [];
    for (let peer = 0; peer < count; peer++) {
      const measured = backend === 'udp' ? byDatagram : byRoute;
      times.push(await unlessDead(daemon, measured(stage, backend, peer)));
      await sleep(PAUSE_MS + Math.random() * 50);
    }
    return times;
  });
