/** docker apply and revert killed with -9 at every step they take: the next run, of either, ends what was begun. */
import assert from 'node:assert/strict';
import { execa } from 'execa';
import { type TestDockerd, useDockerd } from '../../support/dockerd.ts';
import { difference, type Snapshot } from '../../support/leaks.ts';

/** Neither has more steps; a loop that does not end would hide that. */
const MAX_STEPS = 30;

type Command = 'apply' | 'revert';

/** One dockerd, with a container on it or without, taken from state to state by runs that are killed. */
function scene(dockerd: TestDockerd, withContainer: boolean) {
  let first: Snapshot;
  let argv: string;

  /** The container has an address of this subnet, and so it runs. */
  async function isIn(subnet: string, step: number): Promise<void> {
    if (!withContainer) return;
    const address = await dockerd.addressOf('web');
    assert.ok(address.startsWith(subnet), `step ${step}: the container has ${address || 'been left stopped'}`);
  }

  before(async () => {
    if (withContainer) await dockerd.container('web');
    await dockerd.lease('172.17.57.1/24');
    [first, argv] = [await dockerd.shows(), await dockerd.argv()];
  });

  return {
    /** Runs it killed at this step; `false` when it ended before. */
    async killed(command: Command, step: number): Promise<boolean> {
      assert.ok(step <= MAX_STEPS, `${command} takes more than ${MAX_STEPS} steps`);
      const [program, ...args] = dockerd.command(command, '--yes');
      const env = { TSF_FAILPOINT: `any:kill:${step}` };
      const { signal, exitCode, stderr } = await execa(program!, args, { env, reject: false, stdin: 'ignore' });
      if (signal === 'SIGKILL') return true;
      assert.equal(exitCode, 0, stderr);
      return false;
    },

    async mended(command: Command, step: number): Promise<void> {
      const { exitCode, stdout } = await dockerd.tsflannel(command, '--yes');
      assert.equal(exitCode, 0, `step ${step}, then ${command}: ${stdout}`);
    },

    lease: (number: number) => dockerd.lease(`172.17.${number}.1/24`),

    async isApplied(number: number): Promise<void> {
      assert.deepEqual(await dockerd.docker0(), [`172.17.${number}.1/24`]);
      await isIn(`172.17.${number}.`, number);
    },

    /** All is as before the first apply; what a killed process had written beside its place may lie there. */
    async isFirst(step: number): Promise<void> {
      const state = [new RegExp(`files: . ${dockerd.stateDir} 755 0:0 /$`), /\/\.tsflannel-\d+-[0-9a-f]{12} /];
      assert.equal(difference(first, await dockerd.shows(), state), '', `step ${step}`);
      assert.equal(await dockerd.argv(), argv, `step ${step}`);
      await isIn('172.17.0.', step);
    },
  };
}

/** Each does with one step what it has to; tells whether there are further ones. */
const STORIES = {
  'apply to another subnet, then apply': async ({ lease, killed, mended, isApplied }, step) => {
    await lease(step);
    const more = await killed('apply', step);
    await mended('apply', step);
    await isApplied(step);
    return more;
  },
  'apply, then revert': async ({ killed, mended, isFirst }, step) => {
    const more = await killed('apply', step);
    await mended('revert', step);
    await isFirst(step);
    return more;
  },
  'revert, then revert or apply': async ({ lease, killed, mended, isApplied, isFirst }, step) => {
    await lease(step);
    await mended('apply', step);
    const more = await killed('revert', step);
    await mended(step % 2 ? 'revert' : 'apply', step);
    await (step % 2 ? isFirst(step) : isApplied(step));
    return more;
  },
} satisfies Record<string, (dockerd: ReturnType<typeof scene>, step: number) => Promise<boolean>>;

describe('docker killed at every step', function () {
  this.timeout(1_200_000);
  const scenes = Object.values(STORIES).map((story, index) => {
    const dockerd = useDockerd({ name: `dock-killed${index}`, daemonJson: '{"log-level": "info"}\n' });
    return { story, scene: scene(dockerd, index < 2) };
  });

  it(Object.keys(STORIES).join('; '), async () => {
    const ended = await Promise.allSettled(
      scenes.map(async ({ story, scene }) => {
        for (let step = 1; await story(scene, step); step++);
      }),
    );
    assert.deepEqual(
      ended.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])),
      [],
    );
  });
});
