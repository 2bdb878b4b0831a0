import { TsflannelError } from '../errors.ts';
import type { SubnetEnv } from '../model/subnet-env.ts';
import { NETWORK_KEYS, OUR_KEYS } from './daemon-json.ts';
import { DIRECT_ROUTING_KEY, type DirectRouting } from './direct-routing.ts';
import { flagValue, setFlag } from './flags.ts';
import { renderDockerOpts } from './options.ts';

/** The words of a command line without these options. */
const otherWords = (words: readonly string[], keys: readonly string[]): string[] =>
  keys.reduce((rest, key) => setFlag(rest, key, undefined), ['dockerd', ...words]).slice(1);

const assignment = (line: string, key: string): string | undefined => {
  const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
  return match?.[1] === key ? match[2] : undefined;
};

/** The words of a quoted or bare value. Throws DOCKER_CONFIG for what needs a shell to be understood. */
function wordsOf(value: string, key: string): string[] {
  const bare = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
  if (/["'`$\\]/.test(bare))
    throw new TsflannelError('DOCKER_CONFIG', {
      detail: `${key} in the env file is more than plain options: ${value}`,
    });
  return bare.split(/\s+/).filter((word) => word !== '');
}

/**
 * The env file with our options in `key`: a new one is what mk-docker-opts.sh writes with `-c -k key`; in one that is there the other
 * lines and the key's other options stay.
 */
export function mergeEnvFile(
  text: string | undefined,
  key: string,
  env: SubnetEnv,
  directRouting: DirectRouting,
): string {
  const option = directRouting === 'option';
  const more = option ? { DOCKER_OPT_DIRECT_ROUTING: `--${DIRECT_ROUTING_KEY}=true` } : {};
  const fresh = renderDockerOpts(env, { individual: false, combined: true, key, ipMasq: true }, more);
  if (text === undefined || text.trim() === '') return fresh;
  const lines = text.replace(/\n$/, '').split('\n');
  const last = lines.findLastIndex((line) => assignment(line, key) !== undefined);
  if (last < 0) return `${lines.join('\n')}\n${fresh}`;
  const kept = otherWords(wordsOf(assignment(lines[last] ?? '', key) ?? '', key), option ? OUR_KEYS : NETWORK_KEYS);
  const ours = /"(.*)"\n$/.exec(fresh)?.[1] ?? '';
  return `${lines.with(last, `${key}="${kept.join(' ')}${ours}"`).join('\n')}\n`;
}

/** Whether the file assigns this variable. */
export const envFileSets = (text: string | undefined, key: string): boolean =>
  (text ?? '').split('\n').some((line) => assignment(line, key) !== undefined);

/** The options the key's value gives dockerd. */
export const envFileHas = (text: string | undefined, key: string, name: string): boolean => {
  const line = (text ?? '').split('\n').findLast((each) => assignment(each, key) !== undefined);
  return line !== undefined && flagValue(['dockerd', ...wordsOf(assignment(line, key) ?? '', key)], name) !== undefined;
};
