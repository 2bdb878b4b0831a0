import { accept, type Parsed, reject } from '../model/parsed.ts';

/** What a server answered: the body is text of at most MAX_BYTES. */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Larger replies are hostile or not a discovery service's. */
const MAX_BYTES = 262_144;

async function readBody(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch hides what happened ("fetch failed") in a chain of causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const cause = error.cause instanceof Error ? error.cause : error;
  const inner = cause instanceof AggregateError && cause.errors[0] instanceof Error ? cause.errors[0] : cause;
  return inner.message || inner.name;
}

/** One HTTP request with a deadline in milliseconds over connection, head and body; a form is sent as `value=…`. */
export async function request(
  url: string,
  timeoutMs: number,
  put?: { readonly value: string },
): Promise<Parsed<Reply>> {
  try {
    const body = put ? new URLSearchParams(put) : null;
    const method = put ? 'PUT' : 'GET';
    const response = await fetch(url, { method, body, signal: AbortSignal.timeout(timeoutMs) });
    const text = await readBody(response);
    return text === undefined
      ? reject('TOO_LARGE', url, `the reply exceeds ${MAX_BYTES} bytes`)
      : accept({ status: response.status, body: text });
  } catch (error) {
    return reject('NO_ANSWER', url, reasonOf(error));
  }
}
