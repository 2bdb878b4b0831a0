import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redact } from '../../../src/model/redact.ts';

const CANARY = 's3cr3t-canary_0123456789abcdef';

describe('redact', () => {
  const HIDING: readonly string[] = [
    `password=${CANARY}`,
    `"password": "${CANARY}"`,
    `{"etcdPassword":"${CANARY}","a":1}`,
    `TSFLANNEL_ETCD_PASSWORD='${CANARY}'`,
    `--etcd-password ${CANARY}`,
    `--etcd-password=${CANARY}`,
    `https://root:${CANARY}@198.18.0.1:2379/x`,
    `tsflannel join tsf1.${CANARY}`,
    `Authorization: ${CANARY}`,
    `-----BEGIN EC PRIVATE KEY-----\n${CANARY}\n-----END EC PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\n${CANARY}`,
    `https://discovery.etcd.io/${CANARY}`,
    `http://198.18.0.1:2379/v2/keys/discovery/${CANARY}/_config`,
  ];
  for (const text of HIDING)
    it(`hides it in ${text.replace(CANARY, '…').split('\n')[0]}`, () =>
      assert.ok(!redact(text).includes(CANARY), redact(text)));

  it('hides what it was told, wherever it is', () => {
    assert.equal(redact(`a${CANARY}b`, [CANARY]), 'a[redacted]b');
    assert.equal(redact('a b', ['']), 'a b');
  });

  it('leaves JSON what it was but for the values', () => {
    const value = { password: CANARY, token: true, secret: 5, list: [{ 'api-key': `a"b\\${CANARY}` }], plain: 'text' };
    const safe = JSON.parse(redact(JSON.stringify(value)));
    assert.equal(safe.plain, 'text');
    assert.deepEqual([safe.token, safe.secret], [true, '[redacted]']);
    assert.equal(redact('password=5abc, token: 77'), 'password=[redacted], token: [redacted]');
    assert.ok(!JSON.stringify(safe).includes(CANARY));
  });

  it('leaves what is no secret', () => {
    const text =
      'route 172.17.5.0/24 via 198.18.0.2 dev flannel.1\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
    assert.equal(redact(text), text);
  });

  it('takes no longer for more', () =>
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const once = redact(text);
        assert.equal(redact(once), once);
      }),
    ));
});
