/**
 * Rings when somebody else changed packet filters. nf_tables tells of every transaction (nft and iptables-nft alike); the legacy tables
 * tell nobody, so while they are in use, and for a switch of the tool, there is a look every few seconds.
 */
import { TsflannelError } from '../../errors.ts';
import { libc } from '../../sys/libc.ts';
import type { Message } from '../../sys/netlink.ts';
import { type NetlinkSocket, openNetlink } from '../../sys/netlink-socket.ts';
import type { Filters } from './filter.ts';
import { isOfTable, NETLINK_NETFILTER, NFNLGRP_NFTABLES } from './source-bell.ts';
import { NFNL_SUBSYS_NFTABLES } from './source-elements.ts';

/** NFT_MSG_NEWTABLE to NFT_MSG_DELRULE, from linux/netfilter/nf_tables.h: contents of sets are no rules. */
const TABLE_CHAIN_RULE: ReadonlySet<number> = new Set([0, 2, 3, 5, 6, 8]);

/** Docker, firewalld and others write many transactions when they start: one look after them. */
const QUIET_MS = 50;
const PATIENCE_MS = 300;
const LOOK_MS = 4_000;

export interface FilterBell {
  /** We are about to change filters, or have done so: what our own programs did is no news. */
  settle(): void;
  close(): void;
}

/** Calls `ring` when nothing was heard for a moment, however much is going on not later than PATIENCE_MS. */
function debounced(ring: () => void): { hear(): void; close(): void } {
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  return {
    hear() {
      since ??= performance.now();
      clearTimeout(timer);
      const wait = Math.max(0, Math.min(QUIET_MS, since + PATIENCE_MS - performance.now()));
      timer = setTimeout(() => {
        since = undefined;
        ring();
      }, wait).unref();
    },
    close: () => clearTimeout(timer),
  };
}

/** A kernel without nf_tables has no such group: then only the looks are left. */
function openGroup(): NetlinkSocket | undefined {
  try {
    return openNetlink(NETLINK_NETFILTER, [NFNLGRP_NFTABLES]);
  } catch (error) {
    if (error instanceof TsflannelError && error.code === 'KERNEL_REFUSED') return undefined;
    throw error;
  }
}

/** The source check has a bell of its own. */
const isRule = (message: Message): boolean =>
  message.type >> 8 === NFNL_SUBSYS_NFTABLES && TABLE_CHAIN_RULE.has(message.type & 0xff) && !isOfTable(message);

/** Listens until closed. Throws NOT_ROOT. */
export function openFilterBell(filter: Filters, ring: () => void): FilterBell {
  const socket = openGroup();
  const late = debounced(ring);
  /** Our programs: a netlink socket has the pid of its program as its port. */
  const own = new Set<number>();
  const forget = filter.onChild((pid) => own.add(pid));

  function hear(): void {
    if (!socket) return;
    let isNews = false;
    const overflow = socket.drain((message) => {
      isNews ||= isRule(message) && !own.has(message.port);
    });
    if (overflow || isNews) late.hear();
  }

  async function look(): Promise<void> {
    const isBlind = !socket || filter.variant() === 'iptables-legacy';
    if (isBlind || (await filter.isStale())) ring();
  }

  const poll = socket && libc().poll(socket.fd, hear);
  const timer = setInterval(() => void look(), LOOK_MS).unref();
  return {
    settle() {
      hear();
      own.clear();
    },
    close() {
      clearInterval(timer);
      late.close();
      forget();
      poll?.close();
      socket?.close();
    },
  };
}
