/** Certificates of another time in the pki folder of a test host. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Identity, publicKeyOf } from '../../src/etcd/pki.ts';
import { issue } from '../../src/etcd/pki-make.ts';
import { parseIp } from '../../src/model/address.ts';
import type { TestHost } from './hosts.ts';

const DAY_MS = 86_400_000;

export const pkiFile = (host: TestHost, name: string) => join(host.dir, 'etc', 'pki', name);
export const readPki = (host: TestHost, name: string) => readFileSync(pkiFile(host, name), 'utf8');

/** Whose certificate: `ca` is the host with the CA key, `name` the member's. */
export interface Aged {
  readonly ca: TestHost;
  readonly host: TestHost;
  readonly name: string;
}

/** Puts a certificate there that was made so many days ago; less than none: that many days from now. */
export async function age({ ca, host, name }: Aged, kind: Identity['kind'], days: number): Promise<void> {
  const authority = { cert: readPki(ca, 'ca.crt'), key: readPki(ca, 'ca.key') };
  const ip = parseIp(host.ip);
  const identity = { kind, name, ips: ip ? [ip] : [], hosts: [name] };
  const key = publicKeyOf(readPki(host, `${kind}.key`));
  writeFileSync(pkiFile(host, `${kind}.crt`), await issue(authority, key, identity, Date.now() - days * DAY_MS));
}
