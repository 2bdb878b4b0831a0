/**
 * Becomes the init of namespaces of its own: a real systemd that knows only the units in DIR/units, with DIR's folders in place of the
 * host's. Usage: node boot-systemd.ts enter DIR NAME. It moves into control groups of this name first, so that systemd's roots are those.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [stage = '', dir = '', name = ''] = process.argv.slice(2);
const HIERARCHIES = '/sys/fs/cgroup';

function must(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

/** execve(2): the process goes on as this program. Since Node 22.15, so absent from the types of older ones. */
function become(program: string, argv: readonly string[], env: Readonly<Record<string, string>>): void {
  process.execve?.(program, argv, env);
  throw new Error('this Node has no process.execve');
}

/** In the host's namespaces still. */
function enter(): void {
  for (const hierarchy of readdirSync(HIERARCHIES)) {
    // Other folders and links may stand there too.
    if (!existsSync(join(HIERARCHIES, hierarchy, 'cgroup.procs')) || hierarchy.includes(',')) continue;
    // A new group there has no processors; systemd makes none there.
    if (hierarchy === 'cpuset') continue;
    const group = join(HIERARCHIES, hierarchy, name);
    mkdirSync(group);
    writeFileSync(join(group, 'cgroup.procs'), String(process.pid));
  }
  const namespaces = [
    '--cgroup',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount',
    '--net',
    '--uts',
    '--ipc',
    '--mount-proc',
  ];
  const self = [process.execPath, import.meta.filename, 'boot', dir];
  become('/usr/bin/unshare', ['unshare', ...namespaces, ...self], process.env as Record<string, string>);
}

/** As process 1 of the new namespaces. */
function boot(): void {
  must('mount', '--make-rprivate', '/');
  // systemd mounts the hierarchies anew, sees no further than its own groups, and makes this folder of its own read-only.
  must('mount', '-t', 'tmpfs', 'tmpfs', HIERARCHIES);
  must('mount', '-t', 'tmpfs', 'tmpfs', '/run');
  for (const [folder, place] of [
    ['default', '/etc/default'],
    ['log', '/var/log'],
    ['etc-docker', '/etc/docker'],
    ['etc-systemd', '/etc/systemd'],
  ] as const)
    must('mount', '--bind', join(dir, folder), place);
  must('ip', 'link', 'set', 'lo', 'up');
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    container: 'other',
    SYSTEMD_UNIT_PATH: `/etc/systemd/system:${join(dir, 'units')}`,
  };
  const systemd = '/lib/systemd/systemd';
  become(systemd, [systemd, '--system', '--unit=test.target', '--log-target=null'], env);
}

if (stage === 'enter') enter();
else boot();
