/** Rings when somebody else changed our table of the source check: nftables tells all changes to a netlink group. */
import { libc } from '../../sys/libc.ts';
import { attributesOf, type Message, textOf } from '../../sys/netlink.ts';
import { openNetlink } from '../../sys/netlink-socket.ts';
import type { Kind } from '../state.ts';
import { NFNL_SUBSYS_NFTABLES, SOURCE_TABLE } from './source-elements.ts';

export const NETLINK_NETFILTER = 12;
export const NFNLGRP_NFTABLES = 7;
/** struct nfgenmsg. */
const HEADER = 4;
/** The name of the table is attribute 1 of every message about a table or a thing in one (NFTA_…_TABLE). */
const TABLE_NAME = 1;

const RUNG: ReadonlySet<Kind> = new Set(['guard', 'source']);

/** Whether the message is about our table of the source check. */
export const isOfTable = ({ type, payload }: Message): boolean =>
  type >> 8 === NFNL_SUBSYS_NFTABLES &&
  payload.length > HEADER &&
  textOf(attributesOf(payload, HEADER).get(TABLE_NAME)) === SOURCE_TABLE[1];

export interface SourceBell {
  /** While muted, changes are our own. */
  mute(isMuted: boolean): void;
  close(): void;
}

/** Listens until closed. Throws NOT_ROOT, KERNEL_REFUSED (a kernel without nftables). */
export function openSourceBell(bell: (kinds: ReadonlySet<Kind>) => void): SourceBell {
  const socket = openNetlink(NETLINK_NETFILTER, [NFNLGRP_NFTABLES]);
  let muted = false;
  function hear(): void {
    let isNews = false;
    const overflow = socket.drain((message) => {
      isNews ||= !muted && isOfTable(message);
    });
    if (isNews || (overflow && !muted)) bell(RUNG);
  }
  const poll = libc().poll(socket.fd, hear);
  return {
    mute(isMuted) {
      hear();
      muted = isMuted;
    },
    close() {
      poll.close();
      socket.close();
    },
  };
}
