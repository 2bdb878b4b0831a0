/** A token bucket: `perSecond` on average, `burst` at once. The clock is an argument: milliseconds, never backwards. */
export function createLimiter(perSecond: number, burst: number): (nowMs: number) => boolean {
  let tokens = burst;
  let last: number | undefined;
  return (nowMs) => {
    tokens = Math.min(burst, tokens + ((nowMs - (last ?? nowMs)) * perSecond) / 1000);
    last = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
