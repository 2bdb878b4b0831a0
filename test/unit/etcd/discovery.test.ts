import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TsflannelError } from '../../../src/errors.ts';
import {
  newDiscoveryUrl,
  newUrlOf,
  parseDiscoveryUrl,
  parseMembers,
  parseSize,
  readDiscovery,
  register,
} from '../../../src/etcd/discovery.ts';

const registry = (...nodes: unknown[]) => JSON.stringify({ action: 'get', node: { key: '/r', dir: true, nodes } });
const node = (id: string, value: string, createdIndex: unknown = 1) => ({ key: `/r/${id}`, value, createdIndex });
const size = (value: unknown) => JSON.stringify({ node: { key: '/r/_config/size', value } });

describe('etcd/discovery: parsing', () => {
  for (const [text, ok] of [
    ['https://discovery.etcd.io/3e86b59982e49066c5d813af1c2e2579cbf573de', true],
    ['http://10.0.0.1:2379/v2/keys/_etcd/registry/6c007a14875d53d9', true],
    ['https://discovery.etcd.io/', false],
    ['https://user:secret@discovery.etcd.io/3e86b599', false],
    ['https://discovery.etcd.io/3e86b599?x=1', false],
    ['https://discovery.etcd.io/3e86b599#x', false],
    ['ftp://discovery.etcd.io/3e86b599', false],
    ['https://discovery.etcd.io/3e86\nb599', false],
    [`https://discovery.etcd.io/${'a'.repeat(500)}`, false],
    ['3e86b599', false],
    ['', false],
  ] as const) {
    it(`${ok ? 'takes' : 'refuses'} ${JSON.stringify(text.slice(0, 60))} as a discovery URL`, () => {
      assert.equal(parseDiscoveryUrl(text).ok, ok);
    });
  }

  it('does not show the password of a URL it refuses', () => {
    assert.doesNotMatch(JSON.stringify(parseDiscoveryUrl('https://user:secret@h/3e86b599')), /secret/);
  });

  it('refuses a size or a key that cannot be made text of', () => {
    const hostile = '{"toString":{}}';
    assert.equal(parseSize(`{"node":{"value":${hostile}}}`).ok, false);
    assert.equal(parseMembers(`{"node":{"nodes":[{"key":${hostile}}]}}`).ok, false);
  });

  it('reads a size', () => {
    assert.deepEqual(parseSize(size('3')), { ok: true, value: 3 });
  });

  for (const bad of ['0', '-1', '3.5', '03', '1e1', '9999', 3, null, undefined, '']) {
    it(`refuses the size ${JSON.stringify(bad)}`, () => assert.equal(parseSize(size(bad)).ok, false));
  }

  it('reads members in the order they came', () => {
    const parsed = parseMembers(
      registry(node('b2', 'two=http://10.0.0.2:2380', 9), node('a1', 'one=http://10.0.0.1:2380', 7)),
    );
    assert.ok(parsed.ok);
    assert.deepEqual(
      parsed.value.map(({ name, id }) => [name, id]),
      [
        ['one', 'a1'],
        ['two', 'b2'],
      ],
    );
  });

  it('reads a registry that nobody has come to, and a member with two URLs', () => {
    assert.deepEqual(parseMembers('{"node":{"dir":true}}'), { ok: true, value: [] });
    const two = parseMembers(registry(node('a1', 'one=http://10.0.0.1:2380,one=http://10.1.0.1:2380')));
    assert.equal(two.ok && two.value[0]?.peerUrls.length, 2);
  });

  for (const [what, body] of Object.entries({
    'no JSON': '<html>',
    'a list': '[]',
    'no node': '{}',
    'nodes that are no list': '{"node":{"nodes":{"0":1}}}',
    'a node that is no object': registry(7),
    'an id with a slash trick': registry({ key: '/r/..', value: 'a=http://10.0.0.1:1', createdIndex: 1 }),
    'an id too long': registry(node('a'.repeat(17), 'a=http://10.0.0.1:1')),
    'a name that is a flag of its own': registry(node('a1', 'a,--force-new-cluster=http://10.0.0.1:1')),
    'a name with a space': registry(node('a1', 'a b=http://10.0.0.1:1')),
    'a name with an escape': registry(node('a1', '\u001b[2Ja=http://10.0.0.1:1')),
    'two members in one value': registry(node('a1', 'a=http://10.0.0.1:1,b=http://10.0.0.2:1')),
    'a URL with a path': registry(node('a1', 'a=http://10.0.0.1:1/x')),
    'a URL without a port': registry(node('a1', 'a=http://10.0.0.1')),
    'a URL without a scheme': registry(node('a1', 'a=10.0.0.1:2380')),
    'a URL with credentials': registry(node('a1', 'a=http://u:p@10.0.0.1:2380')),
    'no value': registry({ key: '/r/a1', createdIndex: 1 }),
    'a value without end': registry(node('a1', `a=http://10.0.0.1:1${',a=http://10.0.0.1:1'.repeat(100)}`)),
    'no order': registry(node('a1', 'a=http://10.0.0.1:1', '7')),
    'an order beyond numbers': registry(node('a1', 'a=http://10.0.0.1:1', 2 ** 60)),
  })) {
    it(`refuses a registry with ${what}`, () => {
      const parsed = parseMembers(body);
      assert.equal(parsed.ok, false);
      assert.doesNotMatch(JSON.stringify(parsed.ok ? '' : parsed.rejection.detail), /\\u001b/);
    });
  }

  it('makes the URL to ask for a new registry', () => {
    assert.equal(newUrlOf('https://discovery.etcd.io', 3), 'https://discovery.etcd.io/new?size=3');
    assert.equal(newUrlOf('http://10.0.0.1:8087/new/', 5), 'http://10.0.0.1:8087/new?size=5');
    assert.throws(() => newUrlOf('discovery.etcd.io', 3), TsflannelError);
  });
});

describe('etcd/discovery: against a server', () => {
  let server: Server;
  let base = '';
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  beforeEach(async () => {
    server = createServer((request, response) => answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const fails = (call: Promise<unknown>, code: string, why: RegExp) =>
    assert.rejects(call, (error) => error instanceof TsflannelError && error.code === code && why.test(error.why));
  const replies = (status: number, body: string) => {
    answer = (_, response) => response.writeHead(status).end(body);
  };

  it('reads size and members', async () => {
    answer = (request, response) =>
      response.end(request.url?.endsWith('/_config/size') ? size('3') : registry(node('a1', 'a=http://10.0.0.1:2380')));
    const read = await readDiscovery(`${base}/0123456789`);
    assert.deepEqual([read.size, read.members.map(({ name }) => name)], [3, ['a']]);
  });

  it('registers once, with the value as a form', async () => {
    const seen: string[] = [];
    answer = async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      seen.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(seen.length === 1 ? 201 : 412).end('{}');
    };
    assert.equal(await register(`${base}/tok/`, 'a1', 'a=http://10.0.0.1:2380'), true);
    assert.equal(await register(`${base}/tok`, 'a1', 'a=http://10.0.0.1:2380'), false);
    assert.equal(seen[0], 'PUT /tok/a1?prevExist=false value=a%3Dhttp%3A%2F%2F10.0.0.1%3A2380');
  });

  it('takes the URL a service gives, if it is one', async () => {
    replies(200, `${base}/f8afb1c366d111f8bf1fc7425510543c\n`);
    assert.equal(await newDiscoveryUrl(base, 3), `${base}/f8afb1c366d111f8bf1fc7425510543c`);
    replies(200, '--force-new-cluster');
    await fails(newDiscoveryUrl(base, 3), 'DISCOVERY_INVALID', /force-new-cluster/);
    replies(400, 'no');
    await fails(newDiscoveryUrl(base, 3), 'DISCOVERY_INVALID', /HTTP 400: no/);
  });

  it('tells an unknown token, a broken service and a flood apart', async () => {
    replies(404, '{"errorCode":100}');
    await fails(readDiscovery(`${base}/0123456789`), 'DISCOVERY_INVALID', /does not know this token/);
    replies(503, 'down \u001b[2J');
    await fails(readDiscovery(`${base}/0123456789`), 'DISCOVERY_UNREACHABLE', /HTTP 503: down \?\[2J/);
    replies(200, 'x'.repeat(300_000));
    await fails(readDiscovery(`${base}/0123456789`), 'DISCOVERY_UNREACHABLE', /exceeds/);
  });

  it('says why a connection failed', async () => {
    server.close();
    await once(server, 'close');
    await fails(readDiscovery(`${base}/0123456789`), 'DISCOVERY_UNREACHABLE', /ECONNREFUSED/);
  });
});
