import { connect, createServer } from 'node:net';
import { TsflannelError } from '../errors.ts';
import type { Ip } from '../model/address.ts';
import { printIp } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { clientUrl, localUrl, type Member, peerUrl } from './member.ts';
import { listenerOf } from './proc.ts';

/** Binds the port for a moment; resolves to the error's code, `undefined` when it is free. */
const tryListen = (ip: Ip, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'EUNKNOWN'));
    server.listen({ host: printIp(ip), port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });

function takenBy(port: number): string {
  const owner = listenerOf(port);
  return owner
    ? `process ${owner.pid} (${owner.name}) listens there; stop it, or pass other ports`
    : 'another process listens there; stop it, or pass other ports';
}

async function checkPort(ip: Ip, port: number): Promise<void> {
  const code = await tryListen(ip, port);
  if (code === undefined) return;
  const detail =
    code === 'EADDRINUSE'
      ? takenBy(port)
      : code === 'EADDRNOTAVAIL'
        ? 'this host does not have the address'
        : `the kernel says ${code}`;
  throw new TsflannelError('ETCD_PORT_TAKEN', { port, address: printIp(ip), detail });
}

/** Checks that etcd can listen where the member's plan says. Rejects with ETCD_PORT_TAKEN, naming the owner where /proc shows it. */
export async function checkPorts(member: Member): Promise<void> {
  // A host that joined may not sign, so that no join service listens there.
  const { joinPort = 0, bootstrap } = member;
  const join = joinPort === 0 || bootstrap.kind === 'joined' ? [] : [{ ...clientUrl(member), port: joinPort }];
  for (const endpoint of [clientUrl(member), localUrl(member), peerUrl(member), ...join]) {
    if (endpoint.ip) await checkPort(endpoint.ip, endpoint.port);
  }
}

/** How long a peer may take to accept a connection before it counts as absent. */
const CONNECT_MS = 500;

/** Whether something accepts TCP connections there. */
export const accepts = (endpoint: Endpoint): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: endpoint.host.replace(/^\[|\]$/g, ''), port: endpoint.port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
