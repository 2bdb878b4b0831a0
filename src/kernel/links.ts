/** What of a link can be changed while it lives, and what such a change takes along. Pure. */
import { printIp } from '../model/address.ts';
import { printMac } from '../model/mac.ts';
import type { Kind, Link, LinkType, StepOutcome } from './state.ts';

/** What the kernel cannot change on a living device, as one text. */
const fixedParts = (link: LinkType): string =>
  link.type === 'vxlan'
    ? [link.vni, link.port, printIp(link.local), link.device, link.learning, link.gbp].join('/')
    : link.type;

/** Whether `after` can only be had by deleting `before`, and everything on it, first. */
export const mustBeMadeAnew = (before: Link, after: Link): boolean =>
  fixedParts(before.link) !== fixedParts(after.link);

const macText = (link: Link): string => (link.mac ? printMac(link.mac) : '');

/** Whether the device gets another MAC: the kernel then forgets its neighbours, permanent ones too (neigh_changeaddr). */
export const changesMac = (before: Link, after: Link): boolean =>
  after.mac !== undefined && macText(before) !== macText(after);

/** Kinds that a change of a link may take away without a word. */
const HANGING: readonly Kind[] = ['address', 'route', 'neighbour', 'fdb'];

/**
 * What our own changes of links have taken along, unplanned. This is the one thing of our own doing that rings: the plan was made
 * while those objects still stood.
 */
export function collateral(outcomes: readonly StepOutcome[]): ReadonlySet<Kind> {
  const isLossy = outcomes.some(({ step: { action, object, previous }, result }) => {
    if (action !== 'replace' || result === 'skipped' || object.kind !== 'link' || previous?.kind !== 'link')
      return false;
    return mustBeMadeAnew(previous, object) || changesMac(previous, object) || (previous.up && !object.up);
  });
  return new Set(isLossy ? HANGING : []);
}
