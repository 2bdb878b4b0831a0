/** The control groups that boot-systemd.ts makes for a systemd of a test. */
import { globSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { until } from './until.ts';

/** Takes those of this name away, once the kernel has ended the processes in them. */
export async function removeControlGroups(name: string): Promise<void> {
  const roots = `/sys/fs/cgroup/*/${name}`;
  await until('the control groups are empty', () => {
    const groups = globSync([roots, `${roots}/**/`]).filter((path) => statSync(path).isDirectory());
    for (const group of groups.sort().reverse()) {
      try {
        rmdirSync(group);
      } catch {}
    }
    return globSync(roots).length === 0;
  });
}

/** What stands in the folder of the hierarchies, but for groups of other tests, which are there where there is one hierarchy only. */
export const hierarchies = (): string[] =>
  readdirSync('/sys/fs/cgroup')
    .filter((name) => !/^(docker|tsflannel-lab)$/.test(name))
    .sort();
