import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { type Client, Metadata } from '@grpc/grpc-js';
import { type Failure, failureOf, STATUS } from './failure.ts';
import type { Method } from './methods.ts';

/** What one request on the wire came to. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** A request on its way: to whom, as whom, and for how long at most. */
export interface Envelope {
  readonly client: Client;
  readonly token?: string | undefined;
  readonly timeoutMs: number;
}

/** What etcd reads beside the message; `hasleader` makes it refuse, or end, what a member without a leader cannot serve. */
export function metadataOf(token: string | undefined, hasLeader: boolean): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  if (hasLeader) metadata.set('hasleader', 'true');
  return metadata;
}

/** A client that was closed a moment ago throws instead of answering. */
async function caught<T>(send: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await send();
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

/** One unary call. Never rejects. */
export function sendUnary<I extends DescMessage, O extends DescMessage>(
  { client, token, timeoutMs }: Envelope,
  { path, encode, decode }: Method<I, O>,
  request: MessageInitShape<I>,
): Promise<Outcome<MessageShape<O>>> {
  const send = (): Promise<Outcome<MessageShape<O>>> =>
    new Promise((resolve) => {
      const done = (error: unknown, value?: MessageShape<O>): void =>
        resolve(value === undefined ? { ok: false, failure: failureOf(error) } : { ok: true, value });
      const deadline = { deadline: Date.now() + timeoutMs };
      client.makeUnaryRequest(path, encode, decode, request, metadataOf(token, false), deadline, done);
    });
  return caught(send);
}

/** One request over a stream that is ended after the first answer. Never rejects. */
export function sendOverStream<I extends DescMessage, O extends DescMessage>(
  { client, token, timeoutMs }: Envelope,
  { path, encode, decode }: Method<I, O>,
  request: MessageInitShape<I>,
): Promise<Outcome<MessageShape<O>>> {
  const send = (): Promise<Outcome<MessageShape<O>>> =>
    new Promise((resolve) => {
      const deadline = { deadline: Date.now() + timeoutMs };
      const call = client.makeBidiStreamRequest(path, encode, decode, metadataOf(token, false), deadline);
      call.on('data', (value: MessageShape<O>) => {
        resolve({ ok: true, value });
        call.end();
      });
      call.on('error', (error) => resolve({ ok: false, failure: failureOf(error) }));
      call.on('end', () =>
        resolve({ ok: false, failure: { status: STATUS.unavailable, detail: 'the server ended the stream' } }),
      );
      call.write(request);
    });
  return caught(send);
}
