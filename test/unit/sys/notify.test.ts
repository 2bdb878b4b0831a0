import assert from 'node:assert/strict';
import { systemdOf } from '../../../src/sys/notify.ts';

describe('the manager of the environment', () => {
  it('is none where none is named, and has no watchdog that is another process’s', () => {
    const env = { NOTIFY_SOCKET: '/run/none', WATCHDOG_USEC: '60000000' };
    assert.equal(systemdOf({}, 7), undefined);
    assert.equal(systemdOf(env, 7)?.watchdogMs, 60_000);
    assert.equal(systemdOf({ ...env, WATCHDOG_PID: '7' }, 7)?.watchdogMs, 60_000);
    assert.equal(systemdOf({ ...env, WATCHDOG_PID: '8' }, 7)?.watchdogMs, undefined);
    assert.equal(systemdOf({ ...env, WATCHDOG_USEC: '0' }, 7)?.watchdogMs, undefined);
  });
});
