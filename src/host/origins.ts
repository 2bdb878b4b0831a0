import { networkSettings, type Setting } from '../config/origins.ts';
import { asTsflannelError } from '../errors.ts';
import { clientConfigPath, readClientConfig } from '../files/client-config.ts';
import { variableOf } from '../model/environment.ts';
import { printable } from '../model/parsed.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { getConfig } from './config.ts';
import { resolveConnection } from './connection.ts';

/** What is known of one flag: its value as it counts, and how it came. */
export interface GivenFlag {
  readonly name: string;
  readonly value: unknown;
  /** It was typed. */
  readonly typed: boolean;
  /** Its variable in the environment. */
  readonly env?: string | undefined;
}

/** All settings with their origins; `trouble`: the network config could not be read. */
export interface Origins {
  readonly settings: readonly Setting[];
  readonly trouble?: { readonly code: string; readonly why: string };
}

const SECRET = 'etcd-password';

const textOf = (value: unknown): string =>
  value === undefined ? '-' : printable(Array.isArray(value) ? value.join(',') : String(value));

function flagSetting({ name, value, typed, env }: GivenFlag, environment: NodeJS.ProcessEnv): Setting {
  const shown = name === SECRET && value !== undefined ? '(set, not shown)' : textOf(value);
  if (typed) return { name, value: shown, origin: `flag --${name}` };
  const set = env !== undefined && environment[env] !== undefined && environment[env] !== '';
  return { name, value: shown, origin: set ? `environment ${variableOf(env, environment)}` : 'default' };
}

/** What client.json or its own default says where neither flag nor environment does. */
async function connectionSettings(flags: EtcdFlags, settings: readonly Setting[]): Promise<readonly Setting[]> {
  const { kv, prefix } = await resolveConnection(flags);
  const file = await readClientConfig(flags['config-dir']);
  const effective: Readonly<Record<string, readonly [string | undefined, boolean]>> = {
    'etcd-endpoints': [kv.endpoints.join(','), file !== undefined],
    'etcd-prefix': [prefix, file !== undefined],
    'etcd-cafile': [kv.caFile, file?.caFile !== undefined],
    'etcd-certfile': [kv.certFile, file?.certFile !== undefined],
    'etcd-keyfile': [kv.keyFile, file?.keyFile !== undefined],
  };
  return settings.map((setting) => {
    const [value, inFile] = effective[setting.name] ?? [];
    if (!(setting.name in effective) || setting.origin !== 'default') return setting;
    return { ...setting, value: textOf(value), origin: inFile ? clientConfigPath(flags['config-dir']) : 'default' };
  });
}

/** Every setting that counts here, with where it comes from. Throws USAGE or CLIENT_CONFIG_INVALID. */
export async function readOrigins(
  flags: EtcdFlags,
  given: readonly GivenFlag[],
  environment: NodeJS.ProcessEnv,
): Promise<Origins> {
  const settings = await connectionSettings(
    flags,
    given.map((flag) => flagSetting(flag, environment)),
  );
  try {
    return { settings: [...settings, ...networkSettings(await getConfig(flags))] };
  } catch (error) {
    const { code, why } = asTsflannelError(error);
    return { settings, trouble: { code, why } };
  }
}
