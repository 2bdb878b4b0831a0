/** Packet filters as kernel objects: our chains whole, and the jumps into them. */
import type { Prefix } from '../model/address.ts';

/** One rule of a packet filter chain of ours, as far as we use the language; `unknown` is what only a stranger can have put there. */
export type FilterRule =
  | {
      readonly source?: { readonly prefix: Prefix; readonly not: boolean };
      readonly destination?: { readonly prefix: Prefix; readonly not: boolean };
      readonly mark?: { readonly value: number; readonly mask: number };
      readonly target: 'ACCEPT' | 'RETURN' | 'MASQUERADE' | 'TCPMSS';
      readonly randomFully?: boolean;
      /** With TCPMSS: a SYN that asks for larger segments is changed to ask for these, in bytes. */
      readonly mss?: number;
    }
  | { readonly unknown: string };

/** The tools that packet filters are written with. */
export type FilterVariant = 'iptables-nft' | 'iptables-legacy' | 'nft';

export type FilterTable = 'filter' | 'nat' | 'mangle';

/** A whole chain of ours, in order. */
export interface FilterChain {
  /** Seen in this tool, which is not the one our rules belong into any more; never wanted. */
  readonly stray?: FilterVariant;
  readonly kind: 'chain';
  readonly table: FilterTable;
  readonly name: string;
  readonly rules: readonly FilterRule[];
}

/** The jump into a chain of ours, inserted first in `from` (a built-in chain, or Docker's DOCKER-USER), marked by its comment. */
export interface FilterJump {
  readonly stray?: FilterVariant;
  /** Seen so often, where that is more than once; never wanted. */
  readonly copies?: number;
  readonly kind: 'jump';
  readonly table: FilterTable;
  readonly from: string;
  readonly to: string;
  /**
   * Seen: it is the first rule of `from`. Wanted: it has to be (Docker inserts its own masquerading above ours when it starts);
   * false: anywhere will do, since an administrator's rules may well come before it.
   */
  readonly first: boolean;
}
