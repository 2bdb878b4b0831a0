import assert from 'node:assert/strict';
import type { Check } from '../../../src/model/report.ts';
import { statusText } from '../../../src/output/status.ts';

const WELL: Check = { name: 'etcd', state: 'ok', detail: 'connected' };
const WARNED: Check = { name: 'leases', state: 'ok', detail: 'warning: 1 refused' };
const BAD: Check = { name: 'routes', state: 'degraded', detail: 'create route' };

describe('output/status', () => {
  it('says in line one whether the node is well, and nothing else where it is', () => {
    const text = statusText({ state: 'ok', checks: [WELL] });
    assert.match(text, /^ok: this node is well\n/);
    assert.doesNotMatch(text, /doctor/);
  });

  it('counts warnings, and leads on from them as from faults', () => {
    const warned = statusText({ state: 'ok', checks: [WELL, WARNED] });
    assert.match(warned, /^ok: this node is well, with 1 warning\n[\s\S]*tsflannel doctor says why/);
    assert.match(statusText({ state: 'ok', checks: [WARNED, WARNED] }), /^ok: .* 2 warnings\n/);
    assert.match(
      statusText({ state: 'degraded', checks: [WARNED, BAD] }),
      /^degraded: something needs attention: routes\n/,
    );
  });
});
