import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import { checkCa, type Identity, isDue, type Pair, PEER_NAME, publicKeyOf } from '../../../src/etcd/pki.ts';
import { ensureCa, ensureCerts, readCa } from '../../../src/etcd/pki-files.ts';
import { issue, newCa, newKey, newRequest, requestedKey } from '../../../src/etcd/pki-make.ts';

const DAY_MS = 86_400_000;
const identity = (kind: Identity['kind'], name = 'n1'): Identity => ({
  ...{ kind, name, ips: [{ family: 4, value: 0x0a000001n }], hosts: [name] },
});
const invalid = (why: RegExp) => (error: unknown) =>
  error instanceof TsflannelError && error.code === 'PKI_INVALID' && why.test(error.why);

describe('etcd/pki', () => {
  let ca: Pair;
  let key = '';
  before(async () => {
    ca = await newCa();
    key = await newKey();
  });
  const certOf = async (kind: Identity['kind'], now?: number) =>
    new X509Certificate(await issue(ca, publicKeyOf(key), identity(kind), now));

  it('makes servers that are reached at their addresses and on loopback, and are clients too', async () => {
    const cert = await certOf('server');
    assert.ok(cert.verify(new X509Certificate(ca.cert).publicKey) && !cert.ca);
    for (const ip of ['10.0.0.1', '127.0.0.1', '::1']) assert.ok(cert.checkIP(ip), ip);
    assert.equal(cert.checkIP('10.0.0.2'), undefined);
    assert.ok(cert.checkHost('n1') && cert.checkHost('localhost'));
    assert.deepEqual(cert.keyUsage?.sort(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });

  it('makes clients that are no servers, nobody that etcd knows as a user, and no peers', async () => {
    const cert = await certOf('client');
    assert.equal(cert.subjectAltName, undefined);
    assert.deepEqual(cert.keyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.match(cert.subject, /CN=client:n1$/);
    const named = new X509Certificate(await issue(ca, publicKeyOf(key), identity('client', 'root')));
    assert.doesNotMatch(named.subject, /CN=root/);
    assert.match((await certOf('peer')).subject, new RegExp(`CN=${PEER_NAME}$`));
  });

  it('puts a name that looks like more into one field', async () => {
    const cert = new X509Certificate(await issue(ca, publicKeyOf(key), identity('client', 'a, OU=server')));
    assert.equal(
      cert.subject
        .split('\n')
        .filter((line) => line.startsWith('OU='))
        .join(),
      'OU=client',
    );
  });

  it('knows when one is due: after two thirds of its time', async () => {
    const now = Date.now();
    assert.equal(isDue(await certOf('server'), now + 240 * DAY_MS), false);
    assert.equal(isDue(await certOf('server'), now + 250 * DAY_MS), true);
    assert.equal(isDue(await certOf('server', now - 400 * DAY_MS)), true);
  });

  it('signs for who has the key, on P-256, and for nobody else', async () => {
    const csr = await newRequest(key);
    assert.deepEqual(await requestedKey(csr), publicKeyOf(key));
    const other = await newRequest(await newKey());
    const mixed = `${csr.slice(0, 120)}${other.slice(120)}`;
    for (const bad of [mixed, '', 'x', csr.replace('A', 'B'), ca.cert])
      await assert.rejects(requestedKey(bad), invalid(/./));
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
    await assert.rejects(requestedKey(await newRequest(rsa.toString())), invalid(/P-256/));
  });

  it('checks a CA that somebody brings', async () => {
    checkCa(ca);
    assert.throws(() => checkCa({ ...ca, key }), invalid(/not the key of/));
    assert.throws(() => checkCa({ cert: 'x', key }), invalid(/no PEM certificate/));
    assert.throws(() => checkCa({ ...ca, key: 'x' }), invalid(/no private key/));
    assert.throws(() => checkCa(ca, Date.now() + 3700 * DAY_MS), invalid(/ended at .*clock of this host/));
    assert.throws(() => checkCa(ca, Date.now() - DAY_MS), invalid(/begins at .*clock of this host/));
    const leaf = await issue(ca, publicKeyOf(key), identity('server'));
    assert.throws(() => checkCa({ cert: leaf, key }), invalid(/may not sign/));
  });
});

describe('etcd/pki-files', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsflannel-pki-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const kinds = ['server', 'peer', 'client'] as const;
  const all = kinds.map((kind) => identity(kind));

  it('makes what is missing, keeps what is good, and lets nobody else read it', async () => {
    const ca = await ensureCa(dir);
    assert.deepEqual(await ensureCerts(dir, ca, all), kinds);
    assert.deepEqual(await ensureCerts(dir, await ensureCa(dir), all), []);
    for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
  });

  it('makes anew what is due or for another address, with the same key', async () => {
    const ca = await ensureCa(dir);
    await ensureCerts(dir, ca, all);
    const key = readFileSync(join(dir, 'server.key'), 'utf8');
    const old = await issue(ca, publicKeyOf(key), identity('server'), Date.now() - 300 * DAY_MS);
    writeFileSync(join(dir, 'server.crt'), old);
    const moved = { ...identity('peer'), ips: [{ family: 4 as const, value: 0x0a000009n }] };
    assert.deepEqual(await ensureCerts(dir, ca, [identity('server'), moved, identity('client')]), ['server', 'peer']);
    assert.equal(readFileSync(join(dir, 'server.key'), 'utf8'), key);
  });

  it('takes a CA that is brought, and no second one', async () => {
    const [one, two] = await Promise.all([newCa(), newCa()]);
    for (const [name, text] of Object.entries({ c1: one.cert, k1: one.key, c2: two.cert, k2: two.key }))
      writeFileSync(join(dir, name), text);
    const pki = join(dir, 'pki');
    await ensureCa(pki, { cert: join(dir, 'c1'), key: join(dir, 'k1') });
    assert.equal((await readCa(pki))?.key, one.key);
    await assert.rejects(ensureCa(pki, { cert: join(dir, 'c2'), key: join(dir, 'k2') }), invalid(/another CA/));
    await assert.rejects(
      ensureCa(join(dir, 'p2'), { cert: join(dir, 'c2'), key: join(dir, 'k1') }),
      invalid(/not the key/),
    );
  });

  it('begins no new CA where the certificate of another cluster lies', async () => {
    const { writeCert } = await import('../../../src/etcd/pki-files.ts');
    await writeCert(dir, 'ca', (await newCa()).cert);
    await assert.rejects(ensureCa(dir), invalid(/client of another cluster/));
  });
});
