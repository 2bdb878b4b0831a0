const UNIT = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Seconds from `90`, `90s`, `45m`, `24h` or `7d`; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * UNIT[(match[2] || 's') as keyof typeof UNIT];
}

/** Seconds as people say them: `45s`, `12m`, `3h`, `23h59m`, `2d`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  if (minutes < 48 * 60)
    return minutes % 60 === 0 ? `${minutes / 60}h` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
  return `${Math.floor(minutes / 1440)}d`;
}

/** Microseconds as `0.21 ms`. */
export const milliseconds = (micros: number): string => `${(micros / 1000).toFixed(2)} ms`;
