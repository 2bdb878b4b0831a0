import { Etcd3, type IOptions } from 'etcd3';
import { CHANNEL_OPTIONS } from '../../etcd-client/channel.ts';
import { asError, failureOf, isRepeatable, STATUS } from '../../etcd-client/failure.ts';
import { readTarget } from '../../etcd-client/tls.ts';
import { printEndpoint } from '../../model/endpoint.ts';
import type { KvOptions } from '../kv.ts';

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

/** Neither retries nor a circuit breaker. */
const NO_POLICY = { execute: async (call: (context: object) => unknown) => call({}) } as unknown as Policy;

/** One package client at a time; a new one after a stream or a deadline failed, since the old one would keep a token that is dead. */
export interface Session {
  readonly timeoutMs: number;
  readonly names: string;
  client(): Etcd3;
  renew(old: Etcd3): void;
  close(): void;
}

function packageOptions(options: KvOptions): IOptions {
  const { endpoints, tls: read } = readTarget(options);
  const tls = read?.();
  const { username, password = '', timeoutMs } = options;
  return {
    hosts: endpoints.map(printEndpoint),
    grpcOptions: CHANNEL_OPTIONS,
    faultHandling: { host: () => NO_POLICY, global: NO_POLICY },
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + timeoutMs }),
    ...((tls?.ca ?? tls?.cert) && {
      credentials: {
        rootCertificate: tls?.ca as Buffer,
        ...(tls?.key && tls.cert && { privateKey: tls.key, certChain: tls.cert }),
      },
    }),
    ...(username && {
      auth: { username, password, callOptions: () => ({ deadline: Date.now() + timeoutMs }) },
    }),
  };
}

/** Nothing is connected before the first call. Throws USAGE or ETCD_TLS. */
export function openSession(options: KvOptions): Session {
  const given = packageOptions(options);
  let current = new Etcd3(given);
  let closed = false;
  return {
    timeoutMs: options.timeoutMs,
    names: (given.hosts as string[]).join(', '),
    client: () => current,
    renew(old) {
      if (old !== current || closed) return;
      old.close();
      current = new Etcd3(given);
    },
    close() {
      closed = true;
      current.close();
    },
  };
}

/** One call; `repeat` sends a read that got no answer once more (the package takes another endpoint). */
export async function call<T>(session: Session, send: (client: Etcd3) => Promise<T>, repeat = false): Promise<T> {
  for (let again = repeat; ; again = false) {
    const client = session.client();
    try {
      return await send(client);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.status === STATUS.deadline) session.renew(client);
      if (!again || !isRepeatable(failure)) throw asError(failure, session.names);
    }
  }
}
