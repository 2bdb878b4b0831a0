import { Flags } from '@oclif/core';
import { parsePrefix } from '../model/address.ts';
import { BACKEND_TYPES } from '../model/backend-config.ts';
import type { ConfigWish } from './build.ts';

/** The parts of a network config as flags; `config set` and `config validate` share them. */
export const configFlags = {
  network: Flags.string({ description: 'network that all containers share, a.b.c.d/len' }),
  'subnet-len': Flags.integer({
    description: "length of each node's subnet (default 24 where it fits)",
    min: 1,
    max: 30,
  }),
  'subnet-min': Flags.string({ description: 'first subnet to lease' }),
  'subnet-max': Flags.string({ description: 'last subnet to lease' }),
  backend: Flags.string({ description: 'how packets travel between nodes', options: [...BACKEND_TYPES] }),
  'backend-option': Flags.string({ description: 'option of the backend, NAME=VALUE', multiple: true }),
  file: Flags.string({
    description: 'whole config as JSON from this file; - is stdin',
    exclusive: ['network', 'backend', 'subnet-len', 'subnet-min', 'subnet-max', 'backend-option'],
  }),
};

interface ConfigFlagValues {
  readonly network?: string | undefined;
  readonly 'subnet-len'?: number | undefined;
  readonly 'subnet-min'?: string | undefined;
  readonly 'subnet-max'?: string | undefined;
  readonly backend?: string | undefined;
  readonly 'backend-option'?: readonly string[] | undefined;
}

/** What the flags ask for; `undefined` when none was given. */
export function wishOf(flags: ConfigFlagValues): ConfigWish | undefined {
  const wish: ConfigWish = {
    ...(flags.network !== undefined && { network: flags.network }),
    ...(flags['subnet-len'] !== undefined && { subnetLen: flags['subnet-len'] }),
    ...(flags['subnet-min'] !== undefined && { subnetMin: flags['subnet-min'] }),
    ...(flags['subnet-max'] !== undefined && { subnetMax: flags['subnet-max'] }),
    ...(flags.backend !== undefined && { backend: flags.backend }),
    ...(flags['backend-option'] !== undefined && { backendOptions: flags['backend-option'] }),
  };
  return Object.keys(wish).length > 0 ? wish : undefined;
}

interface Asker {
  text(message: string, fallback: string, check: (answer: string) => string | undefined): Promise<string>;
  choose<T>(message: string, choices: readonly { readonly name: string; readonly value: T }[]): Promise<T>;
}

const BACKEND_WORDS = {
  udp: "udp: passes any network; flannel's own default",
  vxlan: "vxlan: the kernel's tunnel, fast",
  'host-gw': 'host-gw: no tunnel, needs all nodes on one layer-2 segment',
} as const;

/** Asks for network and backend. */
export async function askConfig(ask: Asker): Promise<ConfigWish> {
  const network = await ask.text('Network that all containers share', '172.17.0.0/16', (answer) =>
    parsePrefix(answer)?.family === 4 ? undefined : 'a.b.c.d/len is expected, with zero host bits',
  );
  const backend = await ask.choose(
    'Backend',
    BACKEND_TYPES.map((value) => ({ name: BACKEND_WORDS[value], value })),
  );
  return { network, backend };
}
