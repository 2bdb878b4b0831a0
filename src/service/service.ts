/**
 * service/ makes the host's own init start tsflannel at boot, before Docker: systemd, OpenRC or sysvinit; and prints cloud-init's user-data
 * for a host that does all of it by itself. It knows files and commands of inits; it must not know what the daemon does.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { execLine } from '../etcd/unit.ts';
import { packageRoot } from '../root.ts';

export const INITS = ['systemd', 'openrc', 'sysvinit'] as const;
export type Init = (typeof INITS)[number];

/** A file of the service, and the commands around it. */
export interface ServiceFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** All that makes the host start tsflannel. Commands are argument lists; those that a host does not have are left out when run. */
export interface ServicePlan {
  readonly init: Init;
  readonly files: readonly ServiceFile[];
  /** After the files are there: known to the init, and enabled. */
  readonly enable: readonly (readonly string[])[];
  readonly start: readonly string[];
  readonly stop: readonly string[];
  /** Before the files go. */
  readonly disable: readonly (readonly string[])[];
  /** After they went. */
  readonly forget: readonly (readonly string[])[];
}

/** Every file of ours says so in one of its first lines. */
export const MARK = '# Written by tsflannel service install';
const UNIT = 'tsflannel.service';
const SYSTEMD = '/etc/systemd/system';
const SCRIPT = '/etc/init.d/tsflannel';

const template = (name: string): Promise<string> => readFile(join(packageRoot(), 'templates', name), 'utf8');

const program = (): readonly string[] => [process.execPath, join(packageRoot(), 'bin', 'run.js')];

const bad = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

/** Flags that the service hands to `up`. Throws USAGE for a secret, which every user of the host could read there. */
export function checkFlags(flags: readonly string[]): readonly string[] {
  if (flags.some((flag) => /^--?etcd-password(?:=|$)/.test(flag)))
    throw bad('put TSFLANNEL_ETCD_PASSWORD=… into /etc/tsflannel/tsflannel.env (mode 0600) instead of --etcd-password');
  if (flags.some((flag) => /^--?(?:detach|adopt)(?:=|$)/.test(flag)))
    throw bad('--detach is for people, and --adopt for the first time: run tsflannel up --adopt once before');
  if (flags.some((flag) => /[\n\r\0]/.test(flag))) throw bad('a flag has a line break in it');
  return flags;
}

async function systemd(flags: readonly string[]): Promise<ServicePlan> {
  const exec = execLine([...program(), 'up', '--wait', ...flags]);
  const unit = (await template(UNIT)).replace('{exec}', () => exec);
  const order = await template('docker-after-tsflannel.conf');
  return {
    init: 'systemd',
    files: [
      { path: `${SYSTEMD}/${UNIT}`, content: unit, mode: 0o644 },
      { path: `${SYSTEMD}/docker.service.d/10-after-tsflannel.conf`, content: order, mode: 0o644 },
    ],
    enable: [
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'enable', UNIT],
    ],
    start: ['systemctl', 'restart', UNIT],
    stop: ['systemctl', 'stop', UNIT],
    disable: [['systemctl', 'disable', UNIT]],
    forget: [['systemctl', 'daemon-reload']],
  };
}

/** A word of a POSIX shell, whatever is in it. */
const shellWord = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const shellLine = (words: readonly string[]): string => words.map(shellWord).join(' ');

async function script(init: 'openrc' | 'sysvinit', flags: readonly string[]): Promise<ServicePlan> {
  const body = (await template('tsflannel.sh'))
    .trimEnd()
    .replaceAll('{exec}', () => shellLine(program()))
    .replace(' {flags}', () => (flags.length === 0 ? '' : ` ${shellLine(flags)}`));
  const outer = await template(init === 'openrc' ? 'tsflannel.openrc' : 'tsflannel.init');
  const isOpenrc = init === 'openrc';
  return {
    init,
    files: [{ path: SCRIPT, content: outer.replace('{body}', () => body), mode: 0o755 }],
    enable: [isOpenrc ? ['rc-update', 'add', 'tsflannel', 'default'] : ['update-rc.d', 'tsflannel', 'defaults']],
    start: [SCRIPT, 'start'],
    stop: [SCRIPT, 'stop'],
    disable: isOpenrc ? [['rc-update', 'del', 'tsflannel', 'default']] : [],
    forget: isOpenrc ? [] : [['update-rc.d', 'tsflannel', 'remove']],
  };
}

/** What `service install` of this init is made of; the words of `flags` go to `up`. Throws USAGE. */
export async function servicePlan(init: Init, flags: readonly string[]): Promise<ServicePlan> {
  const checked = checkFlags(flags);
  return init === 'systemd' ? systemd(checked) : script(init, checked);
}
