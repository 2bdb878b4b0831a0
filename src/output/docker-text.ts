/** Result of `docker apply` and `docker revert` for people: the change, and what came of it. */
export function dockerText(
  outcome: { readonly changed: boolean; readonly change: string; readonly containers: readonly string[] },
  dryRun: boolean,
  done: string,
): string {
  if (!outcome.changed) return 'no change';
  const touched = outcome.containers.length === 0 ? [] : [`running containers: ${outcome.containers.join(', ')}`];
  return [outcome.change, ...touched, dryRun ? 'dry run: nothing was changed' : done].join('\n');
}
