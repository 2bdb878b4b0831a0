import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { healthPages, type Page, servePages } from '../../../src/daemon/health.ts';
import { metricsAt } from '../../../src/host/up.ts';

const page = async (pages: ReturnType<typeof healthPages>, path: string): Promise<Page | undefined> => pages[path]?.();

describe('health and metrics', () => {
  it('say why the node is not ready, while the process is well', async () => {
    const pages = healthPages(() => ['etcd: no answer', 'lease: lost']);
    assert.deepEqual(await page(pages, '/readyz'), { status: 503, text: 'not ready\netcd: no answer\nlease: lost\n' });
    assert.deepEqual(await page(pages, '/healthz'), { status: 200, text: 'ok\n' });
    const ready = healthPages(() => undefined);
    assert.deepEqual(await page(ready, '/readyz'), { status: 200, text: 'ok\n' });
  });

  it('leave no port open when one of them is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const groups = [0, port].map((at) => ({ at: { ip: '127.0.0.1', port: at }, pages: {} }));
    await assert.rejects(servePages(groups), { code: 'PORT_TAKEN' });
    other.close();
  });

  it('are at loopback unless another address is given', () => {
    assert.equal(metricsAt(undefined), undefined);
    assert.deepEqual(metricsAt('9101'), { ip: '127.0.0.1', port: 9101 });
    assert.deepEqual(metricsAt('10.0.0.1:80'), { ip: '10.0.0.1', port: 80 });
    assert.deepEqual(metricsAt('[::1]:9101'), { ip: '::1', port: 9101 });
    for (const bad of ['0', '65536', 'host:1', ':9101', '1.2.3:1', '1.2.3.4:', '[1.2.3.4]:1', '::1:9101', '1;2'])
      assert.throws(() => metricsAt(bad), { code: 'USAGE' }, bad);
  });
});
