import assert from 'node:assert/strict';
import { openLogin } from '../../../src/etcd-client/login.ts';

/** A login whose authentications are answered by hand. */
function pending() {
  const waiting: PromiseWithResolvers<string | undefined>[] = [];
  const login = openLogin(() => {
    const answer = Promise.withResolvers<string | undefined>();
    waiting.push(answer);
    return answer.promise;
  });
  return { login, waiting };
}

describe('etcd-client/login', () => {
  it('logs in once for all who wait', async () => {
    const { login, waiting } = pending();
    const tokens = [login.token(), login.token(), login.token()];
    assert.equal(waiting.length, 1);
    waiting[0]?.resolve('one');
    assert.deepEqual(await Promise.all(tokens), ['one', 'one', 'one']);
    assert.equal(await login.token(), 'one');
    assert.equal(waiting.length, 1);
  });

  it('logs in again when its token is forgotten, once for all who forget it', async () => {
    const { login, waiting } = pending();
    const first = login.token();
    waiting[0]?.resolve('one');
    await first;
    login.forget('one');
    const second = login.token();
    login.forget('one');
    waiting[1]?.resolve('two');
    assert.equal(await second, 'two');
    login.forget('one');
    assert.equal(await login.token(), 'two');
    assert.equal(waiting.length, 2);
  });

  it('tries again after a login that failed', async () => {
    const { login, waiting } = pending();
    const first = login.token();
    waiting[0]?.reject(new Error('no'));
    await assert.rejects(first, /no/);
    const second = login.token();
    waiting[1]?.resolve(undefined);
    assert.equal(await second, undefined);
  });
});
