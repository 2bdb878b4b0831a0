import { asTsflannelError } from '../../errors.ts';
import { attachTcx, tcxLinkOf, updateLink } from '../../sys/bpf-program.ts';
import { libc } from '../../sys/libc.ts';
import { attachFilter, hasFilter, removeFilter, removeQdisc } from './clsact.ts';
import { type Pins, withPinned } from './pins.ts';

/** Where a program runs. */
export interface Place {
  /** Also the name under which it is found again. */
  readonly program: string;
  readonly ifindex: number;
  readonly hook: 'ingress' | 'egress';
}

/** How programs are held at a device: by a pinned link (Linux 6.6), or as a filter of a clsact qdisc. */
export const MANNERS = ['tcx', 'clsact'] as const;
export type Manner = (typeof MANNERS)[number];

const LINK = 'link_';
const linkPin = (place: Place): string => `${LINK}${place.program}`;
/** Marks a qdisc as made by us: of several programs at a device the first to be there made it. */
const qdiscPin = (ifindex: number): string => `qdisc_${ifindex}`;

/** Whether the pinned link runs a program at this place. */
const isAt = (link: number, place: Place): boolean => {
  const found = tcxLinkOf(link);
  return found?.ifindex === place.ifindex && found.hook === place.hook;
};

function attachLink(pins: Pins, place: Place, program: number): void {
  const replaced = withPinned(pins, linkPin(place), (link) => {
    if (!isAt(link, place)) return false;
    updateLink(link, program);
    return true;
  });
  if (replaced) return;
  pins.remove(linkPin(place));
  const link = attachTcx(program, place.ifindex, place.hook);
  try {
    pins.put(linkPin(place), link);
  } finally {
    // Without a pin this was its last holder: the program is detached again.
    libc().close(link);
  }
}

function attach(pins: Pins, manner: Manner, place: Place, program: number): void {
  if (manner === 'tcx') attachLink(pins, place, program);
  else if (attachFilter(place, program)) pins.put(qdiscPin(place.ifindex), program);
}

function detachFilter(pins: Pins, place: Place): void {
  removeFilter(place);
  if (!pins.list().includes(qdiscPin(place.ifindex))) return;
  removeQdisc(place.ifindex);
  pins.remove(qdiscPin(place.ifindex));
}

/** Takes the program away however it is held; fine if none is there. */
export function detach(pins: Pins, place: Place): void {
  pins.remove(linkPin(place));
  detachFilter(pins, place);
}

/** Takes away what runs at former places that are none any more. A program's link has moved with it; its filter has not. */
export function detachStrays(pins: Pins, former: readonly Place[], places: readonly Place[]): void {
  for (const place of former) {
    if (places.some(({ ifindex, hook }) => ifindex === place.ifindex && hook === place.hook)) continue;
    detachFilter(pins, place);
    if (!places.some(({ program }) => program === place.program)) pins.remove(linkPin(place));
  }
}

/**
 * Puts the programs into their places, each in one moment: where one runs it is replaced without a packet passing none. Tries the manners
 * in order. Throws the first one's KERNEL_REFUSED or NOT_ROOT when no manner takes them all.
 */
export function attachAll(
  pins: Pins,
  manners: readonly Manner[],
  programs: readonly (readonly [Place, number])[],
): Manner {
  const failures: unknown[] = [];
  for (const manner of manners) {
    try {
      for (const [place, program] of programs) attach(pins, manner, place, program);
      return manner;
    } catch (error) {
      failures.push(error);
      for (const [place] of programs) detach(pins, place);
    }
  }
  throw asTsflannelError(failures[0]);
}

/** Whether links are pinned and all of them have lost their device: its namespace is gone. */
export function isDead(pins: Pins): boolean {
  const links = pins.list().filter((name) => name.startsWith(LINK));
  return links.length > 0 && links.every((name) => withPinned(pins, name, (link) => tcxLinkOf(link)?.ifindex) === 0);
}

/** Whether a program of ours runs there. */
export function isAttached(pins: Pins, manner: Manner, place: Place): boolean {
  if (manner === 'clsact') return hasFilter(place);
  return withPinned(pins, linkPin(place), (link) => isAt(link, place)) ?? false;
}
