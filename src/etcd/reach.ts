import { createSocket } from 'node:dgram';
import { type Ip, parseIp, printIp } from '../model/address.ts';
import { parseEndpoint } from '../model/endpoint.ts';
import type { HostAddress } from './addresses.ts';
import type { Wish } from './wish.ts';

/** Which of a host's addresses the others can reach: the one by which it reaches them, as the kernel's routes have it. Nothing is sent. */

/** Any port will do. */
const PORT = 2380;

/** The address this host would send from; `undefined` where there is no route. */
const sourceTo = (ip: Ip): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = createSocket(ip.family === 4 ? 'udp4' : 'udp6');
    const done = (address?: string) => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => done());
    socket.connect(PORT, printIp(ip), () => done(socket.address().address));
  });

const ipOfUrl = (text: string): readonly Ip[] => {
  const host = URL.parse(text)?.hostname.replace(/^\[|\]$/g, '');
  const ip = host === undefined ? undefined : parseIp(host);
  return ip ? [ip] : [];
};

/** The addresses of the others, or of the service they meet at, that a wish names. */
function othersOf(wish: Wish): readonly Ip[] {
  switch (wish.kind) {
    case 'discovery':
      return ipOfUrl(wish.url);
    case 'new':
      return ipOfUrl(wish.base);
    case 'v3':
      return wish.registry.endpoints.flatMap((text) => {
        const endpoint = parseEndpoint(text, 'endpoint', PORT);
        return endpoint.ok && endpoint.value.ip ? [endpoint.value.ip] : [];
      });
    case 'static':
      return wish.cluster.flatMap(({ peerUrls: [url] }) => (url?.ip ? [url.ip] : []));
    case 'alone':
    case 'srv':
      return [];
  }
}

/** The addresses with the reachable ones first: by them this host reaches the others of its cluster; the rest stays in its order. */
export async function byReach(addresses: readonly HostAddress[], wish: Wish): Promise<readonly HostAddress[]> {
  const own = new Set(addresses.map(({ ip }) => printIp(ip)));
  const toward = new Map<string, string>();
  for (const ip of othersOf(wish)) {
    const source = own.has(printIp(ip)) ? undefined : await sourceTo(ip);
    if (source !== undefined && !toward.has(source)) toward.set(source, printIp(ip));
  }
  const seen = addresses.map((address) => {
    const reaches = toward.get(printIp(address.ip));
    return reaches === undefined ? address : { ...address, reaches };
  });
  return [
    ...seen.filter(({ reaches }) => reaches !== undefined),
    ...seen.filter(({ reaches }) => reaches === undefined),
  ];
}
