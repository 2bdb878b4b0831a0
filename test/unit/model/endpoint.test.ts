import assert from 'node:assert/strict';
import { parseEndpoints, printEndpoint } from '../../../src/model/endpoint.ts';

const read = (...texts: string[]) => {
  const parsed = parseEndpoints(texts, '--etcd-endpoints', 2379);
  return parsed.ok ? parsed.value.map(printEndpoint) : parsed.rejection;
};

describe('endpoints', () => {
  it('scheme and port have defaults; lists and commas are the same', () => {
    assert.deepEqual(read('10.0.0.1', 'https://etcd.example:443/, http://[fc00::0:1]:4001'), [
      'http://10.0.0.1:2379',
      'https://etcd.example:443',
      'http://[fc00::1]:4001',
    ]);
  });

  it('refuses what is none', () => {
    const wrong = [
      '',
      ',',
      'ftp://x',
      'http://x/path',
      'http://x?q',
      'http://x:0',
      'http://x:65536',
      'http://010.0.0.1',
      'http://1.2.3',
    ];
    for (const text of [...wrong, 'http://fc00::1', 'http://[fc00::1', 'http://x y', 'http://-', 'http://x\ny'])
      assert.ok('code' in read(text), text);
  });

  it('never shows a URL that may hold a password', () => {
    for (const text of [
      'http://root:canary@10.0.0.1',
      'http://root:ca/canary@x',
      'http://root:a,canary,@x:2379',
      'canary@x',
    ])
      assert.doesNotMatch(JSON.stringify(read(text)), /canary/, text);
  });
});
