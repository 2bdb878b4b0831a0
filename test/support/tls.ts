import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of a certificate and its key. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority in a temporary folder. */
export interface TestCa {
  readonly dir: string;
  readonly ca: string;
  /** A certificate for these names (`IP:127.0.0.1`, `DNS:localhost`), for servers and clients. */
  issue(name: string, altNames: string): Promise<Pair>;
  close(): Promise<void>;
}

/** Makes one, with short-lived elliptic-curve keys. */
export async function createCa(): Promise<TestCa> {
  const dir = await mkdtemp(join(tmpdir(), 'tsflannel-ca-'));
  const at = (name: string) => join(dir, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const openssl = (...args: string[]) => run('openssl', args);
  const self = ['-x509', '-days', '2', '-subj', '/CN=test CA'];
  await openssl('req', ...self, ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  return {
    dir,
    ca: at('ca.pem'),
    async issue(name, altNames) {
      const [cert, key] = [at(`${name}.pem`), at(`${name}.key`)];
      await openssl('req', ...newKey, '-keyout', key, '-out', at('request'), '-subj', `/CN=${name}`);
      await writeFile(at('extensions'), `subjectAltName=${altNames}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2'];
      await openssl('x509', '-req', '-in', at('request'), ...signing, '-extfile', at('extensions'), '-out', cert);
      return { cert, key };
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}
