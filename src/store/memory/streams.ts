import { TsflannelError } from '../../errors.ts';
import type { WatchEvent, WatchFrame, WatchStream } from '../kv.ts';
import type { Change } from './data.ts';

/** What a stream shows of the store beside the events. */
export interface Header {
  readonly revision: bigint;
  readonly clusterId: bigint;
}

export interface StreamRequest {
  readonly prefix: string;
  readonly from: bigint;
  readonly onFrame: (frame: WatchFrame) => void;
  readonly onEnd: (error?: Error) => void;
}

interface Open {
  readonly request: StreamRequest;
  readonly queue: WatchFrame[];
  ended: boolean;
}

/** Watch streams of the memory store: frames arrive later than the call that caused them, in order, never after the end. */
export interface Streams {
  open(request: StreamRequest, first: readonly WatchFrame[]): WatchStream;
  publish(change: Change, header: Header): void;
  /** Each ends as if its connection broke. */
  cut(): void;
  /** Frames are kept back until `resume`. */
  pause(): void;
  resume(): void;
  count(): number;
}

const keyOf = (event: WatchEvent): string => (event.type === 'put' ? event.kv.key : event.key);

/** The frame of one change for one watcher; undefined when nothing of it is under its prefix. */
export function frameOf(change: Change, header: Header, prefix: string): WatchFrame | undefined {
  const events = change.events.filter((event) => keyOf(event).startsWith(prefix));
  if (events.length === 0) return undefined;
  return { created: false, canceled: false, compactRevision: 0n, ...header, events };
}

/** No streams yet. */
export function createStreams(): Streams {
  const streams = new Set<Open>();
  let paused = false;

  function end(stream: Open, error?: Error): void {
    if (stream.ended) return;
    stream.ended = true;
    streams.delete(stream);
    stream.request.onEnd(error);
  }

  function flush(stream: Open): void {
    if (paused) return;
    for (let frame = stream.queue.shift(); frame && !stream.ended; frame = stream.queue.shift())
      stream.request.onFrame(frame);
  }

  function send(stream: Open, frames: readonly WatchFrame[]): void {
    stream.queue.push(...frames);
    queueMicrotask(() => flush(stream));
  }

  return {
    open(request, first) {
      const stream: Open = { request, queue: [], ended: false };
      streams.add(stream);
      send(stream, first);
      return { close: () => end(stream) };
    },
    publish(change, header) {
      for (const stream of streams) {
        const frame =
          change.revision < stream.request.from ? undefined : frameOf(change, header, stream.request.prefix);
        if (frame) send(stream, [frame]);
      }
    },
    cut() {
      const lost = () =>
        new TsflannelError('ETCD_UNREACHABLE', { endpoints: 'memory', detail: 'the connection was cut' });
      for (const stream of [...streams]) end(stream, lost());
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      for (const stream of [...streams]) flush(stream);
    },
    count: () => streams.size,
  };
}
