/** The lane of addresses, routes, neighbours and forwarding entries: all steps of a run in a few large writes. */

import { setImmediate } from 'node:timers/promises';
import { failPoint } from '../../fail-point.ts';
import { ERRNO, libc } from '../../sys/libc.ts';
import type { Answer, Request } from '../../sys/netlink.ts';
import type { NetlinkSocket } from '../../sys/netlink-socket.ts';
import type { Lane } from '../runs.ts';
import type { Address, FdbEntry, Neighbour, Route, Step } from '../state.ts';
import { createAddress, deleteAddress } from './address.ts';
import { deleteNeighbour, putNeighbour } from './neighbour.ts';
import { appendRoute, createRoute, deleteRoute } from './route.ts';
import { isGone, reasonOf } from './rtnetlink.ts';

type OnDevice = Address | Route | Neighbour | FdbEntry;

/** Index of a device by name; each name is asked for once a run. 0: there is none. */
function indexes(): (name: string) => number {
  const known = new Map<string, number>();
  return (name) => {
    const index = known.get(name) ?? libc().ifIndex(name);
    known.set(name, index);
    return index;
  };
}

const createRequest = (object: OnDevice, index: number): Request => {
  if (object.kind === 'route') return createRoute(object, index);
  return object.kind === 'address' ? createAddress(object, index) : putNeighbour(object, index);
};

const deleteRequest = (object: OnDevice, index: number): Request => {
  if (object.kind === 'route') return deleteRoute(object, index);
  return object.kind === 'address' ? deleteAddress(object, index) : deleteNeighbour(object, index);
};

/** The request of the first round: all but the second half of a route's replacement. */
function requestOf(step: Step, index: number): Request {
  const object = step.object as OnDevice;
  if (step.action === 'remove') return deleteRequest((step.previous ?? object) as OnDevice, index);
  return step.action === 'replace' && object.kind === 'route'
    ? appendRoute(object, index)
    : createRequest(object, index);
}

function reasonFor(step: Step, answer: Answer | undefined): string | undefined {
  if (step.action === 'remove' && isGone(answer)) return undefined;
  // The new route stands there already: an earlier replacement ended between its two halves.
  if (step.action === 'replace' && answer?.errno === ERRNO.EEXIST) return undefined;
  return reasonOf(answer);
}

const aboutOf = (step: Step): OnDevice =>
  (step.action === 'remove' ? (step.previous ?? step.object) : step.object) as OnDevice;

const isDeadEnd = (object: OnDevice): boolean => object.kind === 'route' && object.deadEnd !== undefined;

/** Routes whose new version is in place and whose old one now has to go. */
function outdated(steps: readonly Step[], reasons: readonly (string | undefined)[]): { at: number; route: Route }[] {
  return steps.flatMap((step, at) => {
    const isReplaced = step.action === 'replace' && step.previous?.kind === 'route' && reasons[at] === undefined;
    return isReplaced ? [{ at, route: step.previous as Route }] : [];
  });
}

function applyAll(socket: NetlinkSocket, steps: readonly Step[]): (string | undefined)[] {
  const indexOf = indexes();
  const reasons = new Array<string | undefined>(steps.length).fill(undefined);
  const asked = steps.flatMap((step, at) => {
    const about = aboutOf(step);
    const index = indexOf(about.device);
    if (index !== 0 || isDeadEnd(about)) return [{ step, at, request: requestOf(step, index) }];
    // With its device a removed object is gone as well.
    if (step.action !== 'remove') reasons[at] = `no device ${about.device}`;
    return [];
  });
  const answers = socket.request(asked.map(({ request }) => request));
  asked.forEach(({ step, at }, i) => {
    reasons[at] = reasonFor(step, answers[i]);
  });
  const old = outdated(steps, reasons).filter(({ route }) => indexOf(route.device) !== 0 || isDeadEnd(route));
  if (old.length > 0) failPoint('route-doubled');
  const deletions = socket.request(old.map(({ route }) => deleteRoute(route, indexOf(route.device))));
  old.forEach(({ at }, i) => {
    if (!isGone(deletions[i])) reasons[at] = reasonOf(deletions[i]);
  });
  return reasons;
}

/** The kernel takes about 0.1 ms for a route; between parts of this many steps other work of the process gets its turn. */
const PART = 100;

export const routeLane =
  (socket: () => NetlinkSocket): Lane =>
  async (steps) => {
    const reasons: (string | undefined)[] = [];
    for (let start = 0; start < steps.length; start += PART) {
      if (start > 0) await setImmediate();
      reasons.push(...applyAll(socket(), steps.slice(start, start + PART)));
    }
    return reasons;
  };
