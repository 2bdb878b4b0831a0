import type { PeerLiveness } from '../model/report.ts';

/** A request without an answer counts as lost after this. */
export const LOST_AFTER_MS = 2_000;
/** Requests that the figures are made of: the last ones. */
const WINDOW = 20;
/** So many lost in a row, and the peer counts as silent. */
const SILENT = 3;
/** So many lost one by one, and more than this part, is no accident. */
const LOSSY = { count: 3, part: 0.1 };

interface Request {
  readonly sequence: number;
  /** ms on the monotonic clock. */
  readonly sentAt: number;
  rttMicros?: number;
}

/** What is known of one peer. Times in ms on the monotonic clock. */
export interface PeerRecord {
  asked(sequence: number, now: number): void;
  answered(sequence: number, rttMicros: number): void;
  /** A request of the peer came in. */
  heard(hearsUs: boolean, now: number): void;
  /** Whether its requests came in lately: asked at intervals of `everyMs`. */
  hears(now: number, everyMs: number): boolean;
  figures(now: number, everyMs: number): PeerLiveness;
}

const median = (sorted: readonly number[]): number | undefined => sorted[Math.floor(sorted.length / 2)];

const isLost = ({ rttMicros }: Request): boolean => rttMicros === undefined;

/** What came after the peer was away for a while: a reboot is no lossy path. */
function sinceSilence(settled: readonly Request[]): readonly Request[] {
  const end = settled.findLastIndex((_, i) => i + 1 >= SILENT && settled.slice(i + 1 - SILENT, i + 1).every(isLost));
  return settled.slice(end + 1);
}

type Verdict = Pick<PeerLiveness, 'verdict' | 'detail'>;

/** The peer's requests arrive, its answers to ours do not. */
const oneWay = (hearsUs: boolean): Verdict => ({
  verdict: 'one-way',
  detail: hearsUs
    ? 'hears this node, but its answers do not arrive: something drops ICMP echo replies'
    : 'is heard here, but does not hear this node: packets to it are lost',
});

export function createPeerRecord(): PeerRecord {
  let window: Request[] = [];
  let last: { readonly at: number; readonly hearsUs: boolean } | undefined;
  const hears = (now: number, everyMs: number): boolean => last !== undefined && now - last.at <= SILENT * everyMs;

  function judge(settled: readonly Request[], now: number, everyMs: number): Verdict {
    if (settled.length === 0) return { verdict: 'unknown' };
    const recent = settled.slice(-SILENT);
    if (recent.length === SILENT && recent.every(isLost)) {
      if (last && hears(now, everyMs)) return oneWay(last.hearsUs);
      return { verdict: 'silent', detail: `no answer to the last ${SILENT} requests, and none of its own came` };
    }
    const since = sinceSilence(settled);
    const lost = since.filter(isLost).length;
    return { verdict: lost >= LOSSY.count && lost / since.length > LOSSY.part ? 'loses' : 'answers' };
  }

  return {
    asked(sequence, sentAt) {
      window = [...window.slice(1 - WINDOW), { sequence, sentAt }];
    },
    answered(sequence, rttMicros) {
      const request = window.find((one) => one.sequence === sequence);
      if (request) request.rttMicros ??= rttMicros;
    },
    heard(hearsUs, at) {
      last = { at, hearsUs };
    },
    hears,
    figures(now, everyMs) {
      const settled = window.filter(
        ({ sentAt, rttMicros }) => rttMicros !== undefined || now - sentAt >= LOST_AFTER_MS,
      );
      const times = settled.flatMap(({ rttMicros }) => (rttMicros === undefined ? [] : [rttMicros]));
      const rttMicros = median(times.sort((a, b) => a - b));
      return {
        ...judge(settled, now, everyMs),
        asked: settled.length,
        lost: settled.length - times.length,
        ...(rttMicros !== undefined && { rttMicros }),
      };
    },
  };
}
