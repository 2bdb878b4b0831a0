/** The value below which this share (0 to 1) of the values lies; they must be sorted. NaN for none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export interface Summary {
  readonly count: number;
  readonly least: number;
  readonly median: number;
  readonly p99: number;
}

/** Least, median and 99th percentile. The values are sorted in place. */
export function summarize(values: Float64Array): Summary {
  values.sort();
  const at = (share: number): number => quantile(values, share);
  return { count: values.length, least: at(0), median: at(0.5), p99: at(0.99) };
}
