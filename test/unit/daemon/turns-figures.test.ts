import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { turnsCheck, watchTurns } from '../../../src/daemon/turns.ts';
import { until } from '../../support/until.ts';

const cpuMs = (): number => process.threadCpuUsage().user / 1000 + process.threadCpuUsage().system / 1000;

/** Takes this much CPU time without a turn for anything else. */
function hold(ms: number): void {
  for (const end = cpuMs() + ms; cpuMs() < end; );
}

describe('the turns of the daemon', () => {
  it('tell how long what was due waited, and the CPU time of the longest stretch', async () => {
    const turns = watchTurns();
    try {
      await sleep(50);
      hold(120);
      await until('it is seen', () => turns.figures().cpu >= 120);
      const { longest, p99, cpu } = turns.figures();
      // The timer was due while it lasted, at the latest 20 ms after it began.
      assert.ok(longest >= 95, `${longest}`);
      assert.ok(p99 <= longest && cpu < 5_000, `${p99} ${cpu}`);
    } finally {
      turns.close();
    }
  });

  it('are a warning when the CPU time is long, not when the host is slow', () => {
    assert.equal(
      turnsCheck({ longest: 3_000, p99: 40, cpu: 30 }).detail,
      'what was due waited 3.0 s at most in the last minutes; longest CPU time without a turn 30 ms',
    );
    const late = turnsCheck({ longest: 900, p99: 40, cpu: 800 });
    assert.equal(late.state, 'ok');
    assert.match(late.detail, /^warning: /);
  });
});
