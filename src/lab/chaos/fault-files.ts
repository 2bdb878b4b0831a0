import { chmod, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { subnetFileOf } from '../node.ts';
import { subnetOf } from '../status.ts';
import type { Fault } from './chaos.ts';
import { BETWEEN_MS, noLoss, subnetNow, VICTIM } from './parts.ts';
import type { Stage } from './stage.ts';

/** Row 18: the files that a node keeps, and the room on their disk. */

const hasEnv = async (stage: Stage): Promise<boolean> => (await subnetOf(stage.node(VICTIM))) !== undefined;

const envFault = (name: string, about: string, run: (file: string) => Promise<unknown>): Fault => ({
  row: 18,
  name,
  about,
  budget: () => ({ gapMs: 0, healMs: 2_000 }),
  ownOnly: true,
  tears: true,
  async run(stage) {
    await stage.pause(BETWEEN_MS);
    await run(subnetFileOf(stage.node(VICTIM)));
  },
  healed: hasEnv,
});

async function replaceByLink(file: string): Promise<void> {
  await symlink('/nowhere/else', `${file}.link`);
  await rename(`${file}.link`, file);
}

const ENV_FAULTS: readonly Fault[] = [
  envFault('env-deleted', 'subnet.env is deleted', (file) => rm(file)),
  envFault('env-cut-short', 'subnet.env is cut short', (file) => truncate(file, 20)),
  envFault('env-overwritten', 'subnet.env is overwritten with a megabyte that is no text', (file) =>
    writeFile(file, Buffer.alloc(1 << 20, 0xff)),
  ),
  envFault('env-made-a-link', 'subnet.env becomes a link to elsewhere', replaceByLink),
];

const isOpenToAll = async (stage: Stage): Promise<boolean> =>
  ((await stat(subnetFileOf(stage.node(VICTIM)))).mode & 0o777) !== 0o644;

const openToAll: Fault = {
  ...envFault('env-open-to-all', 'anybody may write to subnet.env', (file) => chmod(file, 0o666)),
  healed: async (stage) => !(await isOpenToAll(stage)),
};

/** The folder of a subnet.env that is on a small file system of its own. */
const tinyOf = ({ node }: Stage): string => join(node(VICTIM).dir, 'tiny');

/** The victim keeps its subnet.env there, until `undo`; `spoil` breaks it. What a node cannot mend by itself `status` names, and `mend` mends. */
const elsewhere = (
  fault: Pick<Fault, 'name' | 'about'>,
  spoil: (stage: Stage, env: string) => Promise<unknown>,
  mend?: (stage: Stage) => Promise<unknown>,
): Fault => ({
  row: 18,
  ...fault,
  budget: (backend) => ({ gapMs: noLoss(backend) * 1.5, healMs: 6_000 }),
  hits: [VICTIM],
  ownOnly: true,
  tears: true,
  async run(stage) {
    const { run, kill, until, attempt } = stage;
    const env = join(tinyOf(stage), 'kept', 'subnet.env');
    await mkdir(tinyOf(stage), { recursive: true });
    await run(VICTIM, 'mount', '-t', 'tmpfs', '-o', 'size=8k', 'tiny', tinyOf(stage));
    await kill(VICTIM, 'SIGTERM');
    await stage.start(VICTIM, '--subnet-file', env);
    await spoil(stage, env);
    if (!mend) return;
    const isSeen = async () => (await attempt(VICTIM, 'tsflannel', 'status')).exit !== 0;
    await until('status says that something is wrong', isSeen);
    await mend(stage);
  },
  async healed(stage) {
    const text = await readFile(join(tinyOf(stage), 'kept', 'subnet.env'), 'utf8').catch(() => '');
    return text.includes('FLANNEL_SUBNET=');
  },
  async undo(stage) {
    await stage.kill(VICTIM, 'SIGTERM');
    await stage.start(VICTIM);
    await stage.run(VICTIM, 'umount', tinyOf(stage));
  },
});

const noSpace = elsewhere(
  {
    name: 'env-without-room',
    about: 'subnet.env is overwritten and its file system full: the node goes on, and writes it when there is room',
  },
  async (stage, env) => {
    await stage.attempt(VICTIM, 'dd', 'if=/dev/zero', `of=${tinyOf(stage)}/full`, 'bs=4096', 'count=4');
    // Not emptied first: then there would be room for the daemon to mend it.
    await writeFile(env, Buffer.alloc(4096), { flag: 'r+' });
  },
  (stage) => rm(join(tinyOf(stage), 'full')),
);

const remount = (stage: Stage, how: 'ro' | 'rw') => stage.run(VICTIM, 'mount', '-o', `remount,${how}`, tinyOf(stage));

const readOnly = elsewhere(
  {
    name: 'env-read-only',
    about: 'subnet.env is overwritten and its file system read-only: the node goes on, and writes it when it may',
  },
  async (stage, env) => {
    const pid = stage.subject.pid(stage.node(VICTIM)) as number;
    process.kill(pid, 'SIGSTOP');
    await writeFile(env, 'x');
    await remount(stage, 'ro');
    process.kill(pid, 'SIGCONT');
  },
  (stage) => remount(stage, 'rw'),
);

const noFolder = elsewhere(
  { name: 'env-folder-deleted', about: 'subnet.env is deleted with its folder: both are made anew' },
  (_, env) => rm(dirname(env), { recursive: true }),
);

const gone: Fault = {
  row: 18,
  name: 'env-gone-at-start',
  about: 'kill -9, and subnet.env is gone: the node has its lease again without it',
  budget: (backend) => ({ gapMs: noLoss(backend), healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  tears: true,
  async run(stage) {
    const before = await subnetNow(stage, VICTIM);
    await stage.kill(VICTIM);
    await rm(subnetFileOf(stage.node(VICTIM)));
    await stage.start(VICTIM);
    const after = await subnetNow(stage, VICTIM);
    stage.expect(after === before, `${after} instead of ${before}`);
  },
  healed: hasEnv,
};

export const FILE_FAULTS: readonly Fault[] = [...[...ENV_FAULTS, openToAll, noSpace, readOnly], ...[noFolder, gone]];
