import type { Prefix } from '../model/address.ts';

/** IPv4 prefixes, each with a key, found by what they overlap: in 32 steps plus one for each that is found, however many there are. */
export interface OverlapIndex {
  add(prefix: Prefix, key: string): void;
  remove(prefix: Prefix, key: string): void;
  /** Keys of all prefixes that share an address with this one, itself included. */
  overlapping(prefix: Prefix): string[];
}

/** A node of a binary trie: `keys` end here, `low` and `high` go on with a 0 or a 1. Most nodes are between two prefixes and have no keys. */
interface Node {
  keys: readonly string[];
  low: Node | undefined;
  high: Node | undefined;
}

const NONE: readonly string[] = [];

const newNode = (): Node => ({ keys: NONE, low: undefined, high: undefined });

const sideAt = (address: number, depth: number): 'low' | 'high' => ((address >>> (31 - depth)) & 1 ? 'high' : 'low');

/** The nodes from the root to where the prefix ends; shorter when the trie has no more of them. */
function pathTo(root: Node, prefix: Prefix): Node[] {
  const address = Number(prefix.address);
  const path = [root];
  let node: Node | undefined = root;
  for (let depth = 0; depth < prefix.length; depth++) {
    node = node[sideAt(address, depth)];
    if (!node) break;
    path.push(node);
  }
  return path;
}

function collect(node: Node | undefined, found: string[]): void {
  if (!node) return;
  found.push(...node.keys);
  collect(node.low, found);
  collect(node.high, found);
}

const isEmpty = (node: Node): boolean => node.keys.length === 0 && !node.low && !node.high;

/** An index of nothing. */
export function createOverlapIndex(): OverlapIndex {
  const root = newNode();
  return {
    add(prefix, key) {
      const address = Number(prefix.address);
      let node = root;
      for (let depth = 0; depth < prefix.length; depth++) {
        const side = sideAt(address, depth);
        node[side] ??= newNode();
        node = node[side];
      }
      if (!node.keys.includes(key)) node.keys = node.keys.concat(key);
    },
    remove(prefix, key) {
      const address = Number(prefix.address);
      const path = pathTo(root, prefix);
      if (path.length <= prefix.length) return;
      const end = path[prefix.length] as Node;
      end.keys = end.keys.filter((other) => other !== key);
      for (let depth = prefix.length; depth > 0 && isEmpty(path[depth] as Node); depth--)
        (path[depth - 1] as Node)[sideAt(address, depth - 1)] = undefined;
    },
    overlapping(prefix) {
      const path = pathTo(root, prefix);
      const found: string[] = [];
      for (const node of path.slice(0, prefix.length)) if (node.keys.length > 0) found.push(...node.keys);
      collect(path[prefix.length], found);
      return found;
    },
  };
}
