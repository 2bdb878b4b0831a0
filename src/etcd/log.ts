import { closeSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';

/** A log that grows to this many bytes is put aside as `….1`, in place of the one before. */
const MAX_BYTES = 8 * 1024 * 1024;

export interface Log {
  write(chunk: string | Uint8Array): void;
}

/** Opens the log to append to it, readable by root only. A full disk loses lines, not the member. */
export function openLog(path: string, maxBytes = MAX_BYTES): Log {
  let file = openSync(path, 'a', 0o600);
  let size = statSync(path).size;
  const rotate = () => {
    closeSync(file);
    renameSync(path, `${path}.1`);
    file = openSync(path, 'a', 0o600);
    size = 0;
  };
  return {
    write(chunk) {
      try {
        size += typeof chunk === 'string' ? writeSync(file, chunk) : writeSync(file, chunk);
        if (size >= maxBytes) rotate();
      } catch {
        // Nowhere to say it.
      }
    },
  };
}

/** The last bytes of a file as text; empty when there is none. */
function tail(path: string, bytes: number): string {
  try {
    const file = openSync(path, 'r');
    try {
      const size = statSync(path).size;
      const buffer = Buffer.alloc(Math.min(bytes, size));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** One line of etcd's zap log as people read it: level, message and the error it names. */
function readable(line: string): string {
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const error = typeof entry.error === 'string' ? `: ${entry.error}` : '';
    return typeof entry.msg === 'string' ? `${String(entry.level)}: ${entry.msg}${error}` : line;
  } catch {
    return line;
  }
}

/** What a log says that matters: its last warnings and errors, or its last lines where there are none. */
export function lastWords(path: string, lines = 4): string {
  const all = tail(path, 16_384)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(readable);
  const loud = all.filter((line) => /^(?:warn|error|panic|fatal)|error:|fatal|panic/i.test(line));
  return (loud.length > 0 ? loud : all).slice(-lines).join('\n        ');
}
