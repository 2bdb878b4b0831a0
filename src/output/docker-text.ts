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

/** Result of `docker network …` for people: with dryRun the command alone, so that it can be copied. */
export function networkText(
  { changed, command }: { readonly changed: boolean; readonly command: readonly string[] },
  dryRun: boolean,
  done: string,
): string {
  if (!changed) return 'no change';
  return dryRun ? command.join(' ') : done;
}
