/** What a fake host holds and what it refuses, in a kernel's words: the facts on which plans must not err. Pure but for its maps. */
import { containsIp, prefixOf } from '../../model/address.ts';
import { changesMac } from '../links.ts';
import { type Address, type KernelObject, type Kind, keyOf, type Link, OWN, type Route } from '../state.ts';

/** Protocol number of routes that the kernel makes for an address. */
const PROTOCOL_KERNEL = 2;
const BUILT_IN = new Set([
  'filter/INPUT',
  'filter/FORWARD',
  'filter/OUTPUT',
  'nat/PREROUTING',
  'nat/OUTPUT',
  'nat/POSTROUTING',
]);

export interface Host {
  readonly objects: Map<string, KernelObject>;
  /** Makes the object or puts it in the place of what has its key; the kernel's reason if it refuses. */
  put(object: KernelObject): string | undefined;
  /** Takes it away with all that hangs on it; the kernel's reason if it refuses. Nothing there is fine. */
  drop(key: string): string | undefined;
}

const linkOf = (host: Host, name: string): Link | undefined => {
  const link = host.objects.get(`link/${name}`);
  return link?.kind === 'link' ? link : undefined;
};

const ofKind = <K extends Kind>(host: Host, kind: K): Extract<KernelObject, { kind: K }>[] =>
  [...host.objects.values()].filter((object) => object.kind === kind) as Extract<KernelObject, { kind: K }>[];

/** The route the kernel itself makes for an address on a device that is up. */
function connected(address: Address): Route | undefined {
  if (address.length === 32) return undefined;
  const dst = prefixOf(address.ip, address.length);
  return { kind: 'route', dst, device: address.device, onlink: false, metric: 0, protocol: PROTOCOL_KERNEL };
}

function connect(host: Host, address: Address): void {
  const route = connected(address);
  if (route && linkOf(host, address.device)?.up && !host.objects.has(keyOf(route)))
    host.objects.set(keyOf(route), route);
}

/** A gateway has to be on a network of the very device, unless the route says that it is (onlink). */
const isReachable = (host: Host, route: Route): boolean =>
  route.via === undefined ||
  route.onlink ||
  ofKind(host, 'route').some((one) => !one.via && one.device === route.device && containsIp(one.dst, route.via!));

function routeRefusal(host: Host, route: Route): string | undefined {
  const link = linkOf(host, route.device);
  if (!link) return `no device ${route.device}`;
  if (!link.up) return 'Device for nexthop is not up (ENETDOWN)';
  return isReachable(host, route) ? undefined : 'Nexthop has invalid gateway (ENETUNREACH)';
}

function linkRefusal(host: Host, link: Link): string | undefined {
  if (link.link.type !== 'vxlan' || linkOf(host, link.link.device)) return undefined;
  return `no device ${link.link.device}`;
}

/** Why the kernel would not take this object, whatever stands on its key. */
function refusalOf(host: Host, object: KernelObject): string | undefined {
  switch (object.kind) {
    case 'link':
      return linkRefusal(host, object);
    case 'route':
      return routeRefusal(host, object);
    case 'address':
    case 'neighbour':
    case 'fdb':
      return linkOf(host, object.device) ? undefined : `no device ${object.device}`;
    case 'chain':
      return object.rules.some((rule) => 'unknown' in rule) ? 'a rule that is not of our language' : undefined;
    case 'jump': {
      const missing = [object.from, object.to].map((name) => `${object.table}/${name}`);
      return missing.every((name) => BUILT_IN.has(name) || host.objects.has(`chain/${name}`))
        ? undefined
        : 'no such chain';
    }
    case 'source':
      return host.objects.has('guard') ? undefined : 'no such table (ENOENT)';
    case 'sysctl':
      return host.objects.has(keyOf(object)) ? undefined : 'no such file or directory (ENOENT)';
    default:
      return undefined;
  }
}

/** What the kernel does by itself when a link changes: down, it forgets routes and neighbours; up, it connects addresses. */
function follow(host: Host, before: Link | undefined, link: Link): void {
  const isRenumbered = before !== undefined && changesMac(before, link);
  for (const object of [...host.objects.values()]) {
    if (!('device' in object) || object.device !== link.name) continue;
    if (!link.up && object.kind === 'route') host.objects.delete(keyOf(object));
    if ((!link.up || isRenumbered) && object.kind === 'neighbour') host.objects.delete(keyOf(object));
    if (link.up && object.kind === 'address') connect(host, object);
  }
}

const isOn = (object: KernelObject, link: string): boolean =>
  ('device' in object && object.device === link && object.kind !== 'carrier' && object.kind !== 'forward') ||
  (object.kind === 'link' && object.link.type === 'vxlan' && object.link.device === link);

function dropLink(host: Host, link: Link): void {
  for (const object of [...host.objects.values()].filter((one) => isOn(one, link.name))) host.drop(keyOf(object));
}

/** An address takes its own route along; the last one of a device, every route over it. */
function dropRoutes(host: Host, address: Address): void {
  if (!ofKind(host, 'address').some(({ device }) => device === address.device))
    for (const route of ofKind(host, 'route')) if (route.device === address.device) host.objects.delete(keyOf(route));
  const route = connected(address);
  const found = route && host.objects.get(keyOf(route));
  if (found?.kind === 'route' && found.device === address.device) host.objects.delete(keyOf(found));
}

function drop(host: Host, key: string): string | undefined {
  const object = host.objects.get(key);
  if (object?.kind === 'chain') {
    const isUsed = ofKind(host, 'jump').some((jump) => jump.table === object.table && jump.to === object.name);
    if (isUsed) return 'the chain is in use (EBUSY)';
  }
  host.objects.delete(key);
  if (object?.kind === 'guard') for (const source of ofKind(host, 'source')) host.objects.delete(keyOf(source));
  if (object?.kind === 'link') dropLink(host, object);
  if (object?.kind === 'address') dropRoutes(host, object);
  return undefined;
}

/** A host with its loopback and the sysctls every host has. */
export function fakeHost(): Host {
  const host: Host = {
    objects: new Map(),
    put(object) {
      const refusal = refusalOf(host, object);
      if (refusal !== undefined) return refusal;
      const before = object.kind === 'link' ? linkOf(host, object.name) : undefined;
      host.objects.set(keyOf(object), object);
      if (object.kind === 'link') follow(host, before, object);
      if (object.kind === 'address') connect(host, object);
      return undefined;
    },
    drop: (key) => drop(host, key),
  };
  const loopback: Link = {
    kind: 'link',
    name: 'lo',
    alias: undefined,
    mtu: 65536,
    up: true,
    link: { type: 'other', detail: 'device' },
  };
  host.objects.set(keyOf(loopback), loopback);
  host.objects.set('sysctl/net.ipv4.ip_forward', { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '0' });
  return host;
}

/** Whose an object is, by the marks of OWN; `owner` in words. */
export function ownerOf(host: Host, object: KernelObject): { readonly ours: boolean; readonly owner: string } {
  const by = (ours: boolean, owner: string) => ({ ours, owner: ours ? OWN.comment : owner });
  switch (object.kind) {
    case 'link':
      return by(object.alias?.startsWith(OWN.aliasPrefix) ?? false, `${object.link.type} ${object.name}`);
    case 'address':
    case 'neighbour':
    case 'fdb':
      return by(linkOf(host, object.device)?.alias?.startsWith(OWN.aliasPrefix) ?? false, object.device);
    case 'route':
      return by(object.protocol === OWN.routeProtocol, `proto ${object.protocol} on ${object.device}`);
    case 'chain':
      return by(object.name.startsWith(OWN.chainPrefix), object.name);
    case 'jump':
      return by(object.to.startsWith(OWN.chainPrefix), object.from);
    case 'sysctl':
      return { ours: false, owner: 'system setting' };
    case 'file':
      return { ours: false, owner: 'file' };
    default:
      return { ours: true, owner: OWN.comment };
  }
}
