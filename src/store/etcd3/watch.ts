import type { Etcd3 } from 'etcd3';
import { asTsflannelError } from '../../errors.ts';
import { asError, failureOf } from '../../etcd-client/failure.ts';
import type { Kv, WatchStream } from '../kv.ts';
import { rangeMessage, watchFrame } from './messages.ts';
import type { Session } from './session.ts';

/** Raw watch streams of the package, and an end to all of them. */
export interface Watches {
  readonly stream: Kv['watchStream'];
  close(): void;
}

type Raw = Awaited<ReturnType<Etcd3['watchClient']['watch']>>;

/** Streams share the package's connection; when one fails, its client goes: the package never renews a stream's token. */
export function openWatch(session: Session): Watches {
  const open = new Set<WatchStream>();

  const stream: Kv['watchStream'] = (prefix, startRevision, onFrame, onEnd) => {
    let raw: Raw | undefined;
    let ended = false;
    const end = (error?: Error): void => {
      if (ended) return;
      ended = true;
      open.delete(self);
      raw?.cancel();
      onEnd(error);
    };
    const self = { close: () => end() };
    open.add(self);
    const run = async (): Promise<void> => {
      const client = session.client();
      const fail = (error: unknown): void => {
        if (ended) return;
        session.renew(client);
        end(asError(failureOf(error), session.names));
      };
      try {
        // The package gives a stream the token it has; only a unary call renews it.
        await client.kv.range({ ...rangeMessage(prefix, true), keys_only: true });
        raw = await client.watchClient.watch();
      } catch (error) {
        return fail(error);
      }
      raw.on('error', fail);
      raw.on('end', () => fail(new Error('14 UNAVAILABLE: the server ended the stream')));
      if (ended) return raw.cancel();
      raw.on('data', (message) => {
        const frame = watchFrame(message);
        if (ended) return;
        if (frame.canceled && frame.compactRevision === 0n) fail(new Error(message.cancel_reason));
        else onFrame(frame);
      });
      raw.write({
        create_request: {
          ...rangeMessage(prefix, false),
          start_revision: String(startRevision),
          progress_notify: true,
        },
      });
    };
    run().catch((error: unknown) => end(asTsflannelError(error)));
    return self;
  };

  return {
    stream,
    close() {
      for (const each of [...open]) each.close();
    },
  };
}
