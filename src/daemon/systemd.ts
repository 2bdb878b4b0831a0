import { printPrefix } from '../model/address.ts';
import { checksOf, waitingOf } from './checks.ts';
import type { Daemon, DaemonParts, Systemd } from './node.ts';
import { ring } from './ring.ts';

/** How soon news is told. */
const EVERY_MS = 5000;

/** Texts of errors are strangers' words: a line break would begin another message. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 500);

/** What `systemctl status` shows: the subnet, and the first thing that is not well. */
function stateOf(daemon: Daemon): string {
  const { node } = daemon;
  const waiting = waitingOf(daemon);
  if (!node || waiting) return waiting?.[0] ?? '';
  const bad = checksOf(node).find(({ state }) => state !== 'ok');
  return `leases ${printPrefix(node.holder.current().subnet)}${bad ? `; ${bad.name}: ${bad.detail}` : ''}`;
}

/** Tells what changes and, by its watchdog, that the event loop turns; `reload` looks at everything now, as SIGHUP asks. */
export function tellSystemd(daemon: Daemon, { systemd, clock }: Pick<DaemonParts, 'systemd' | 'clock'>) {
  let cancel = (): void => undefined;
  let told = '';
  const news = (): string[] => {
    const state = oneLine(stateOf(daemon));
    if (state === told) return [];
    told = state;
    return [`STATUS=${state}`];
  };
  function turn(manager: Systemd): void {
    const { tell, watchdogMs } = manager;
    const lines = [...(watchdogMs === undefined ? [] : ['WATCHDOG=1']), ...news()];
    if (lines.length > 0) tell(lines.join('\n'));
    const everyMs = watchdogMs === undefined ? EVERY_MS : Math.min(EVERY_MS, watchdogMs / 2);
    cancel = clock.after(everyMs, () => turn(manager));
  }
  if (systemd) turn(systemd);
  return {
    async reload(): Promise<void> {
      const { node } = daemon;
      if (!node) return;
      // Before it is ready there is nothing to reload for systemd, but what stands in the way may be gone.
      if (node.ready) systemd?.tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
      try {
        await ring(node);
      } finally {
        if (node.ready) systemd?.tell('READY=1');
      }
    },
    close: () => cancel(),
  };
}
