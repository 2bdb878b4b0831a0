/** Pages of docs/ whose commands are typed on hosts, as `node-1# tsflannel status` in a block. */
export interface Line {
  /** From 1. */
  readonly node: number;
  /** Without the program's own name. */
  readonly argv: readonly string[];
}

/** The commands of each section, by its title. */
export function sections(page: string): ReadonlyMap<string, readonly Line[]> {
  const found = new Map<string, Line[]>();
  let lines: Line[] = [];
  for (const text of page.split('\n')) {
    const title = /^## (.*)$/.exec(text)?.[1];
    if (title !== undefined) {
      lines = [];
      found.set(title, lines);
    }
    const [, node, command] = /^ {4}node-(\d)# tsflannel (.*)$/.exec(text) ?? [];
    if (node !== undefined && command !== undefined) lines.push({ node: Number(node), argv: command.split(' ') });
  }
  return found;
}
