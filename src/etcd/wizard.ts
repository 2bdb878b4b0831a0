import { TsflannelError } from '../errors.ts';
import { parsePrefix, printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { fillRequest, fromCluster, type HostDefaults, plainName } from './choose.ts';
import { discoveryWish, type InitRequest, nameProblem, newWish, staticWish, type Wish } from './request.ts';

/** How the wizard asks; src/output has it for a terminal. Enter takes the first choice, or the fallback. */
export interface Questions {
  choose<T>(message: string, choices: readonly { readonly name: string; readonly value: T }[]): Promise<T>;
  text(message: string, fallback: string, check: (answer: string) => string | undefined): Promise<string>;
}

const problemOf = (parse: () => unknown): string | undefined => {
  try {
    parse();
    return undefined;
  } catch (error) {
    return error instanceof TsflannelError ? error.why : String(error);
  }
};

async function askWish(ask: Questions): Promise<Wish> {
  const kind = await ask.choose('Which cluster is this member for?', [
    { name: 'a new one with this host alone', value: 'alone' as const },
    { name: 'several hosts, by a discovery URL I have', value: 'discovery' as const },
    { name: 'several hosts, by a new discovery URL', value: 'new' as const },
    { name: 'several hosts, whose addresses I list', value: 'static' as const },
  ]);
  if (kind === 'alone') return { kind };
  if (kind === 'discovery')
    return discoveryWish(await ask.text('Discovery URL', '', (text) => problemOf(() => discoveryWish(text))));
  if (kind === 'static') {
    const check = (text: string) => problemOf(() => staticWish(text));
    return staticWish(await ask.text('Members (name=http://ADDRESS:2380,name=…)', '', check));
  }
  const base = await ask.text('Address of the discovery service', 'https://discovery.etcd.io', (text) =>
    problemOf(() => newWish(text, 3)),
  );
  const size = await ask.text('How many members will there be', '3', (text) =>
    /^[0-9]{1,2}$/.test(text) ? problemOf(() => newWish(base, Number(text))) : 'a number is expected',
  );
  return newWish(base, Number(size));
}

/** Which entry of a static cluster is this host, where its addresses do not say so. */
async function askEntry(request: InitRequest, host: HostDefaults, ask: Questions): Promise<InitRequest> {
  if (request.wish?.kind !== 'static') return request;
  if (problemOf(() => fromCluster(request, host)) === undefined) return fromCluster(request, host);
  const choices = request.wish.cluster.map(({ name, peerUrls }) => ({
    name: `${name} (${peerUrls.map(printEndpoint).join()})`,
    value: name,
  }));
  return fromCluster({ ...request, name: await ask.choose('Which member is this host?', choices) }, host);
}

async function askAddress(host: HostDefaults, ask: Questions): Promise<Pick<InitRequest, 'ip'>> {
  if (host.addresses.length === 0) throw new TsflannelError('ADVERTISE_IP', { detail: 'none but loopback' });
  const choices = host.addresses.map((address) => ({
    name: `${printIp(address.ip)} (${address.device}${address.isDefault ? ', default route' : ''})`,
    value: address.ip,
  }));
  return { ip: await ask.choose('Address at which other hosts reach this one', choices) };
}

const networkProblem = (text: string): string | undefined =>
  text === '' || parsePrefix(text)?.family === 4
    ? undefined
    : 'a network such as 172.17.0.0/16 is expected, or nothing';

/** Asks for what the request leaves open, and nothing else. `network` is undefined when nobody wants one written. */
export async function askMissing(
  given: { readonly request: InitRequest; readonly network: string | undefined },
  host: HostDefaults,
  ask: Questions,
): Promise<{ readonly request: Required<InitRequest>; readonly network: string | undefined }> {
  let request: InitRequest = given.request.wish ? given.request : { ...given.request, wish: await askWish(ask) };
  request = await askEntry(request, host, ask);
  if (!request.ip) request = { ...request, ...(await askAddress(host, ask)) };
  if (request.name === undefined) {
    request = { ...request, name: await ask.text('Name of this member', plainName(host.hostname), nameProblem) };
  }
  const question = 'Network for the containers of all nodes (Enter: later, by config set)';
  const network = given.network ?? (await ask.text(question, '', networkProblem));
  return { request: fillRequest(request, host), network: network === '' ? undefined : network };
}
