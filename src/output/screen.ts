/** The whole terminal, for a live view: an alternate screen, keys as they are pressed, its size as it changes. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CTRL_C = '\x03';

export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  /** Paints the lines that fit; nothing flickers, since no line is cleared before it is written. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

const ARROWS: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1b[B': 'down',
  '\x1b[C': 'right',
  '\x1b[D': 'left',
};

/** Takes the terminal. `onKey` hears each key (`q`, `up`, …; Ctrl-C as `ctrl-c`), `onResize` of a new size. */
export function openScreen(onKey: (key: string) => void, onResize: () => void): Screen {
  const { stdin, stdout } = process;
  const heard = (data: Buffer): void => {
    const text = data.toString();
    if (text in ARROWS) onKey(ARROWS[text] ?? text);
    else for (const key of text) onKey(key === CTRL_C ? 'ctrl-c' : key);
  };
  stdin.setRawMode(true);
  stdin.on('data', heard);
  stdin.resume();
  stdout.on('resize', onResize);
  stdout.write(ENTER);
  const close = (): void => {
    process.off('exit', close);
    stdout.off('resize', onResize);
    stdin.off('data', heard);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  };
  process.once('exit', close);
  const size = () => ({ columns: stdout.columns, rows: stdout.rows });
  return {
    size,
    draw(lines) {
      const fitting = lines.slice(0, size().rows);
      stdout.write(`${HOME}${fitting.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
    },
    close,
  };
}
