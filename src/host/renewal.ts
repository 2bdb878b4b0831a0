import { asTsflannelError } from '../errors.ts';
import { pkiDirOf, readVia } from '../etcd/pki-files.ts';
import type { Log } from '../model/log-events.ts';

/** A third of a certificate's time is months. */
const LOOK_MS = 6 * 3_600_000;

/**
 * Renews the certificate by which a host that is a client only reaches etcd, before it ends: looks now, every six hours and on SIGHUP.
 * New connections show the new one. A failure is logged, and tried again at the next look. Returns what ends it.
 */
export function keepRenewed(configDir: string, log: Log): () => void {
  const look = async (): Promise<void> => {
    try {
      if ((await readVia(pkiDirOf(configDir))) === undefined) return;
      const { renewClient } = await import('../etcd/renew.ts');
      if (await renewClient(configDir)) log('certificate', 'the client certificate of this host is renewed');
    } catch (error) {
      const { message, why } = asTsflannelError(error);
      log('certificate', `not renewed: ${message}: ${why}`);
    }
  };
  const ring = () => void look();
  ring();
  process.on('SIGHUP', ring);
  const timer = setInterval(ring, LOOK_MS).unref();
  return () => {
    process.off('SIGHUP', ring);
    clearInterval(timer);
  };
}
