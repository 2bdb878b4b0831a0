import type { Lane } from '../runs.ts';
import type { FilterFacts, Kind, Observed } from '../state.ts';

export async function observeFilters(_kinds: ReadonlySet<Kind>, _state: Map<string, Observed>): Promise<void> {}
export const filterLane = (): Lane => async (steps) => steps.map(() => 'filters are not there yet');
export async function filterFacts(): Promise<FilterFacts> {
  return { variant: 'iptables-nft', dockerUser: false };
}
