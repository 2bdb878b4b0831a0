import assert from 'node:assert/strict';
import { request } from 'node:http';
import { TsflannelError } from '../../../src/errors.ts';
import { type PageServer, servePage } from '../../../src/ui/server.ts';

interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

const get = (url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const asked = request(url, options, (response) => {
      let body = '';
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });

describe('ui/server', () => {
  let server: PageServer;
  let look: () => Promise<object> = async () => ({ hello: 'world' });
  before(async () => {
    server = await servePage(0, () => look());
  });
  after(() => server.close());

  it('serves the page, its style and its program, and nothing from elsewhere', async () => {
    for (const [name, type] of Object.entries({ '': /html/, 'page.css': /css/, 'page.js': /javascript/ })) {
      const { status, headers, body } = await get(`${server.url}${name}`);
      assert.equal(status, 200);
      assert.match(String(headers['content-type']), type);
      assert.match(String(headers['content-security-policy']), /default-src 'self'/);
      assert.doesNotMatch(body.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//);
    }
  });

  it('gives the look as a document', async () => {
    const { body } = await get(`${server.url}state?x=1`);
    assert.deepEqual(JSON.parse(body), { schemaVersion: 1, hello: 'world' });
  });

  it('says what went wrong with a look', async () => {
    look = () => Promise.reject(new TsflannelError('DAEMON_NOT_RUNNING', { socket: 'x', detail: 'y' }));
    const { status, body } = await get(`${server.url}state`);
    assert.equal(status, 503);
    assert.equal(JSON.parse(body).error.code, 'DAEMON_NOT_RUNNING');
  });

  it('answers nobody without the key, and no other name for this host', async () => {
    const { origin, pathname } = new URL(server.url);
    for (const path of [
      '/',
      '/state',
      '//state',
      `/${'0'.repeat(32)}/state`,
      pathname.slice(0, -2),
      '/../../etc/passwd',
    ])
      assert.equal((await get(`${origin}${path}`)).status, 404, path);
    assert.equal((await get(server.url, { headers: { host: 'evil.example' } })).status, 404);
    assert.equal((await get(`${server.url}..%2fpackage.json`)).status, 404);
    assert.equal((await get(`${server.url}constructor`)).status, 404);
  });

  it('lets nothing be changed', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await get(server.url, { method })).status, 405);
  });

  it('refuses a port that is taken', async () => {
    const port = Number(new URL(server.url).port);
    await assert.rejects(servePage(port, look), { code: 'PORT_TAKEN' });
  });
});
