import { randomBytes } from 'node:crypto';
import { TsflannelError } from '../errors.ts';
import { DEFAULT_PREFIX, readClientConfig } from '../files/client-config.ts';
import { printEndpoint } from '../model/endpoint.ts';
import type { KvOptions } from '../store/kv.ts';
import { localUrl, type Member } from './member.ts';
import { clientFiles } from './pki-files.ts';
import { maySign } from './services.ts';

/** Users of etcd's own authentication, by the environment alone: an argument list can be read by every user of the host. */
export interface Passwords {
  /** For `root`; absent: only the holder of the CA key is root, by a certificate. */
  readonly root?: string;
  /** Of the user that nodes are. */
  readonly user: string;
  readonly password: string;
}

/** Name of the role, and of the user unless TSFLANNEL_ETCD_USERNAME says another. */
export const ROLE = 'flannel';
const CALL_MS = 5000;

/** The passwords in the environment. Throws MISSING_FLAGS; USAGE for a user that is root. */
export function readPasswords(env: NodeJS.ProcessEnv, insecure: boolean): Passwords {
  const { TSFLANNEL_ETCD_PASSWORD: password, TSFLANNEL_ETCD_ROOT_PASSWORD: root } = env;
  const user = env.TSFLANNEL_ETCD_USERNAME || ROLE;
  const missing = [
    ...(password ? [] : ['TSFLANNEL_ETCD_PASSWORD (of the user that nodes are)']),
    // Without TLS nobody can show a certificate.
    ...(root || !insecure ? [] : ['TSFLANNEL_ETCD_ROOT_PASSWORD']),
  ];
  if (!password || missing.length > 0)
    throw new TsflannelError('MISSING_FLAGS', { flags: `--auth needs in the environment: ${missing.join('; ')}` });
  if (user === 'root' || !/^[\w.-]{1,64}$/.test(user))
    throw new TsflannelError('USAGE', { detail: 'TSFLANNEL_ETCD_USERNAME: a plain name other than root is expected' });
  return { user, password, ...(root && { root }) };
}

function accessOf(member: Member, { root }: Passwords): KvOptions {
  const files = member.pki === undefined ? {} : clientFiles(member.pki, maySign(member) ? 'root' : 'client');
  const login = member.pki === undefined && root !== undefined ? { username: 'root', password: root } : {};
  return { ...files, ...login, endpoints: [printEndpoint(localUrl(member))], timeoutMs: CALL_MS };
}

/**
 * Turns etcd's authentication on: `root`, and a user whose role may read and write the keys below client.json's prefix and nothing else. It can be done
 * again; the passwords are then set anew. Rejects as the calls of Admin do.
 */
export async function enableAuth(member: Member, configDir: string, passwords: Passwords): Promise<void> {
  const prefix = (await readClientConfig(configDir))?.prefix ?? DEFAULT_PREFIX;
  const { openAdmin } = await import('../host/admin.ts');
  const admin = await openAdmin(accessOf(member, passwords));
  try {
    await admin.setUser('root', passwords.root ?? randomBytes(32).toString('base64url'));
    await admin.grantRole('root', 'root');
    await admin.addRole(ROLE);
    // The slash keeps the role out of /coreos.com/networkfoo.
    await admin.grantPrefix(ROLE, `${prefix}/`);
    await admin.setUser(passwords.user, passwords.password);
    await admin.grantRole(passwords.user, ROLE);
    await admin.enableAuth();
  } finally {
    admin.close();
  }
}
