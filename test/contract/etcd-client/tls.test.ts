/** Our transport and an etcd that speaks TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TsflannelError } from '../../../src/errors.ts';
import type { KvOptions } from '../../../src/store/kv.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { createCa, type Pair, type TestCa } from '../../support/tls.ts';
import { closeClients, fails, open, put } from '../../support/transport.ts';
import { until } from '../../support/until.ts';

afterEach(closeClients);

describe('transport: TLS', () => {
  let ca: TestCa;
  let server: Pair;
  let client: Pair;
  let etcd: TestEtcd;

  before(async () => {
    ca = await createCa();
    server = await ca.issue('server', 'IP:127.0.0.1,DNS:localhost');
    client = await ca.issue('flannel', 'DNS:flannel');
    etcd = await startEtcd({ tls: { ca: ca.ca, ...server } });
  });
  after(async () => {
    await etcd.close();
    await ca.close();
  });
  it('needs no more than the CA, by address and by name, without a word from Node', async () => {
    const warned: string[] = [];
    const onWarning = (warning: Error) => warned.push(warning.message);
    process.on('warning', onWarning);
    for (const host of ['127.0.0.1', 'localhost']) {
      const kv = open([`https://${host}:${etcd.port}`], { caFile: ca.ca });
      await put(kv, 'k');
      let created = false;
      kv.watchStream(
        'k',
        0n,
        (frame) => (created ||= frame.created),
        () => undefined,
      );
      await until('created', () => created);
    }
    process.off('warning', onWarning);
    assert.deepEqual(warned, []);
  });

  it('leaves no connection to a server that takes it and says nothing', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket.resume().on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      const kv = open([`https://127.0.0.1:${port}`], { caFile: ca.ca, timeoutMs: 200 });
      await fails(kv.range('k'), 'ETCD_UNREACHABLE');
      await until('it is ended', () => sockets.size === 0);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('shows a client certificate where one is asked for', async () => {
    const strict = await startEtcd({ tls: { ca: ca.ca, ...server, clientAuth: true } });
    try {
      const files = { caFile: ca.ca, certFile: client.cert, keyFile: client.key };
      await put(open([strict.endpoint], files), 'k');
      await fails(open([strict.endpoint], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    } finally {
      await strict.close();
    }
  });

  it('does not trust a stranger, nor a name that is not in the certificate', async () => {
    await fails(open([etcd.endpoint]).range('k'), 'ETCD_TLS');
    const other = await createCa();
    await fails(open([etcd.endpoint], { caFile: other.ca }).range('k'), 'ETCD_TLS');
    await other.close();
    const named = await startEtcd({ tls: { ca: ca.ca, ...(await ca.issue('named', 'DNS:elsewhere')) } });
    await fails(open([named.endpoint], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    await fails(open([`https://localhost:${named.port}`], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    await named.close();
  });

  it('does not speak plain to TLS, nor TLS to plain, without saying so', async () => {
    await fails(open([`http://127.0.0.1:${etcd.port}`]).range('k'), 'ETCD_UNREACHABLE');
    const plain = await startEtcd();
    // It ends the connection, or resets it, which may have other causes.
    await until('it says so', () =>
      open([`https://127.0.0.1:${plain.port}`], { caFile: ca.ca })
        .range('k')
        .then(
          () => false,
          ({ code }) => code === 'ETCD_TLS',
        ),
    );
    await plain.close();
  });

  it('checks the files before it connects', async () => {
    const garbage = join(ca.dir, 'garbage');
    await writeFile(garbage, 'canary');
    const bad = (endpoints: string[], files: Partial<KvOptions>, told: RegExp) =>
      assert.throws(
        () => open(endpoints, files),
        (error) =>
          error instanceof TsflannelError &&
          error.code === 'ETCD_TLS' &&
          told.test(error.why) &&
          !/canary/.test(error.why),
      );
    const files = { caFile: ca.ca, certFile: client.cert, keyFile: client.key };
    bad([etcd.endpoint], { caFile: join(ca.dir, 'none') }, /CA file.*ENOENT/);
    bad([etcd.endpoint], { caFile: garbage }, /garbage is not a PEM certificate/);
    bad([etcd.endpoint], { ...files, certFile: garbage }, /garbage is not a PEM certificate/);
    bad([etcd.endpoint], { ...files, keyFile: garbage }, /garbage is not a PEM private key/);
    bad([etcd.endpoint], { ...files, keyFile: server.key }, /server.key is not the key of .*flannel.pem/);
    bad([etcd.endpoint], { caFile: ca.ca, certFile: client.cert }, /together/);
    bad([etcd.endpoint, 'http://127.0.0.1:1'], { caFile: ca.ca }, /some/);
    bad(['http://127.0.0.1:1'], { caFile: ca.ca }, /https/);
  });
});
