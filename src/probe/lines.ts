import type { Socket } from 'node:net';

/** A longer line ends the connection: nobody means that. */
const MAX_LINE = 10_000;

/** Lines of text over a socket. */
export interface Lines {
  send(line: string): void;
  /** The next line; `undefined` when the other side has closed, or says nothing for `timeoutMs`. */
  next(timeoutMs: number): Promise<string | undefined>;
  close(): void;
}

export function createLines(socket: Socket): Lines {
  let text = '';
  let wake = (): void => undefined;
  const over = (): void => {
    socket.destroy();
    wake();
  };
  socket.setEncoding('latin1').setNoDelay();
  socket.on('error', over).on('close', over);
  socket.on('data', (part: string) => {
    text += part;
    if (text.length > MAX_LINE) over();
    wake();
  });
  function take(): string | undefined {
    const end = text.indexOf('\n');
    if (end < 0) return undefined;
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    return line;
  }
  return {
    send: (line) => void socket.write(`${line}\n`),
    async next(timeoutMs) {
      const end = performance.now() + timeoutMs;
      for (;;) {
        const line = take();
        const left = end - performance.now();
        if (line !== undefined || socket.destroyed || left <= 0) return line;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    close: over,
  };
}
