/** Commands in the namespaces of a process that an init system of its own runs dockerd beside, for tests of `docker apply`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/root.ts';

/** `pid` and `dir` (of subnet.env, state and run) are asked for at each call; `which` are nsenter's flags. */
export function dockerInside(which: readonly string[], pid: () => number | string, dir: () => string) {
  const inside = (...argv: string[]) =>
    execa('nsenter', ['-t', String(pid()), ...which, '--', ...argv], { reject: false, stdin: 'ignore' });
  const must = async (...argv: string[]): Promise<string> => {
    const ended = await inside(...argv);
    assert.equal(ended.exitCode, 0, `${argv.join(' ')}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  };
  return {
    /** The program's end. */
    inside,
    /** What it prints; it must succeed. */
    must,
    /** `tsflannel docker … --json`. */
    tsflannel: (...argv: string[]) =>
      inside(
        ...[join(packageRoot(), 'bin/tsflannel'), 'docker', ...argv, '--json'],
        ...['--state-dir', join(dir(), 'state'), '--run-dir', join(dir(), 'run')],
        ...(argv[0] === 'apply' ? ['--subnet-file', join(dir(), 'subnet.env')] : []),
      ),
    /** Addresses of docker0 with their lengths. */
    async docker0(): Promise<string[]> {
      const [link] = JSON.parse(await must('ip', '-j', '-4', 'addr', 'show', 'docker0'));
      return link.addr_info.map((each: { local: string; prefixlen: number }) => `${each.local}/${each.prefixlen}`);
    },
  };
}
