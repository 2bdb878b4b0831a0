import { readIfThere } from '../files/atomic.ts';
import { field, parseJsonObject, printable, wholeNumber } from '../model/parsed.ts';

export const PHASES = ['starting', 'discovering', 'joining', 'running', 'restarting', 'failed'] as const;

/** What the supervisor says about itself in the run dir, for `init`, `etcd status` and `etcd stop`. */
export interface SupervisorState {
  readonly phase: (typeof PHASES)[number];
  /** Process id of the supervisor. */
  readonly supervisor: number;
  /** Absolute path of the data dir it looks after. */
  readonly dataDir: string;
  /** Process id of etcd while it runs. */
  readonly etcd?: number;
  /** How often etcd was started. */
  readonly starts: number;
  /** Members found in the discovery registry, of how many. */
  readonly found?: number;
  readonly size?: number;
  /** How etcd ended the last time, or why discovery does not get on. */
  readonly trouble?: string;
  /** Error code of phase `failed`. */
  readonly code?: string;
}

/** The text of the state file. */
export const printState = (state: object): string => `${JSON.stringify(state)}\n`;

const optional = <K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, T>);

/** Parses the state file; `undefined` when it is not one. */
export function parseState(text: string): SupervisorState | undefined {
  const json = parseJsonObject(text, 'state');
  if (!json.ok) return undefined;
  const number = (name: string, min: number) => wholeNumber(field(json.value, name), min, 0x7fffffff);
  const words = (name: string) => {
    const value = field(json.value, name);
    return typeof value === 'string' ? printable(value) : undefined;
  };
  const phase = PHASES.find((name) => name === field(json.value, 'phase'));
  const supervisor = number('supervisor', 1);
  const dataDir = words('dataDir');
  const starts = number('starts', 0);
  if (!phase || supervisor === undefined || starts === undefined || !dataDir?.startsWith('/')) return undefined;
  return {
    phase,
    supervisor,
    dataDir,
    starts,
    ...optional('etcd', number('etcd', 1)),
    ...optional('found', number('found', 0)),
    ...optional('size', number('size', 1)),
    ...optional('trouble', words('trouble')),
    ...optional('code', words('code')),
  };
}

/** The state in this file; `undefined` when there is none that can be read. */
export async function readState(file: string): Promise<SupervisorState | undefined> {
  const text = await readIfThere(file);
  return text === undefined ? undefined : parseState(text);
}
