/**
 * Named moments in which a process can be told to die, to stand still or to fail, so that what a crash leaves behind can be tried. Nothing
 * happens unless TSF_FAILPOINT says so; it is for tests and `lab chaos`.
 */
import { TsflannelError } from './errors.ts';

/** Where; each says what has just been done. */
export const FAIL_POINTS = [
  // An etcd lease is granted, no key hangs on it yet.
  'lease-granted',
  // The subnet is ours in etcd, and nothing on this host knows it.
  'lease-claimed',
  // Our key was read, its lease is about to be renewed.
  'lease-renewing',
  // Events came from etcd and were not taken in.
  'events-come',
  // A file is whole beside its place, not in it.
  'file-written',
  // A device is made, and is not marked as ours by its alias.
  'link-made',
  // The device that another takes the place of is gone.
  'link-removed',
  // A new route stands beside the one it takes the place of.
  'route-doubled',
  // A part of the plan is done, the next is not.
  'part-applied',
  // Programs run in the kernel, their maps are not pinned.
  'programs-attached',
  // `down` has given the lease back, and all else is there.
  'lease-released',
  // `down` has cleared the kernel, and the state of the node is there.
  'kernel-cleared',
  // A file is about to go.
  'file-removing',
  // A dockerd was told to end.
  'dockerd-ended',
  // One is about to be started.
  'dockerd-starting',
  // It was started.
  'dockerd-started',
] as const;

export type FailPoint = (typeof FAIL_POINTS)[number];

const ACTIONS = {
  kill: () => void process.kill(process.pid, 'SIGKILL'),
  // The whole process stands still, not this step of it alone.
  sleep: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000),
  throw: (at: string) => {
    throw new Error(`failed at ${at}, as TSF_FAILPOINT says`);
  },
} as const;

const isPoint = (name: string): boolean => name === 'any' || (FAIL_POINTS as readonly string[]).includes(name);

/**
 * What `text` (POINT:ACTION, or POINT:ACTION:N for the N-th time it is come by; POINT `any` counts all) asks for, as a function to be called
 * at each point. Throws USAGE where it says something else.
 */
export function failPointsOf(text: string): (at: FailPoint) => void {
  const [point = '', action = '', nth = '1', ...rest] = text.split(':');
  const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action as keyof typeof ACTIONS] : undefined;
  if (!isPoint(point) || !act || !/^[1-9]\d{0,5}$/.test(nth) || rest.length > 0) {
    const detail = `TSF_FAILPOINT=${text}: POINT:ACTION[:N] with ${Object.keys(ACTIONS).join(', ')} at any, ${FAIL_POINTS.join(', ')}`;
    throw new TsflannelError('USAGE', { detail });
  }
  let left = Number(nth);
  return (at) => {
    if ((point !== 'any' && point !== at) || --left !== 0) return;
    process.stderr.write(`${action} at ${at}\n`);
    act(at);
  };
}

const text = process.env.TSF_FAILPOINT;
let told: ((at: FailPoint) => void) | undefined;

function tell(at: FailPoint): void {
  told ??= failPointsOf(text ?? '');
  told(at);
}

/** This moment has come. Throws USAGE where TSF_FAILPOINT says what cannot be done, and what it asks to be thrown. */
export const failPoint: (at: FailPoint) => void = text === undefined ? () => undefined : tell;
