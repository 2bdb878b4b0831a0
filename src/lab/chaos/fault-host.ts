import { chmod, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { subnetFileOf } from '../node.ts';
import { subnetOf } from '../status.ts';
import type { Fault } from './chaos.ts';
import { BETWEEN_MS, configArgv, dropStranger, knows, noLoss, putStranger, STRANGER, VICTIM } from './parts.ts';
import type { Backend, Stage } from './stage.ts';

/** Rows about the host: its files, its room on the disk, its time, its tools, and the config it lives by. */

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

const noSpace: Fault = {
  row: 18,
  name: 'env-without-room',
  about: 'subnet.env is overwritten and its file system full: the node goes on, and writes it when there is room',
  budget: (backend) => ({ gapMs: noLoss(backend) * 1.5, healMs: 6_000 }),
  hits: [VICTIM],
  ownOnly: true,
  tears: true,
  async run(stage) {
    const { run, kill, until, attempt } = stage;
    const dir = join(stage.node(VICTIM).dir, 'tiny');
    await mkdir(dir, { recursive: true });
    await run(VICTIM, 'mount', '-t', 'tmpfs', '-o', 'size=8k', 'tiny', dir);
    const env = join(dir, 'subnet.env');
    await kill(VICTIM, 'SIGTERM');
    await stage.start(VICTIM, '--subnet-file', env);
    await attempt(VICTIM, 'dd', 'if=/dev/zero', `of=${dir}/full`, 'bs=4096', 'count=4');
    await writeFile(env, Buffer.alloc(4096));
    const isSeen = async () => (await attempt(VICTIM, 'tsflannel', 'status')).exit !== 0;
    await until('status says that something is wrong', isSeen);
    await rm(join(dir, 'full'));
  },
  async healed(stage) {
    const text = await readFile(join(stage.node(VICTIM).dir, 'tiny', 'subnet.env'), 'utf8').catch(() => '');
    return text.includes('FLANNEL_SUBNET=');
  },
  async undo(stage) {
    const dir = join(stage.node(VICTIM).dir, 'tiny');
    await stage.kill(VICTIM, 'SIGTERM');
    await stage.start(VICTIM);
    await stage.run(VICTIM, 'umount', dir);
  },
};

const SQUEEZE_MS = 5_000;

const slow: Fault = {
  row: 29,
  name: 'cpu-starved',
  about: 'the daemon runs 5 ms of each 100 (SIGSTOP, SIGCONT) for 5 s, and etcd changes meanwhile',
  budget: (backend) => ({ gapMs: noLoss(backend), healMs: 5_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const pid = stage.subject.pid(stage.node(VICTIM)) as number;
    const put = putStranger(stage, STRANGER);
    try {
      for (const end = performance.now() + SQUEEZE_MS; performance.now() < end; ) {
        process.kill(pid, 'SIGSTOP');
        await stage.pause(95);
        process.kill(pid, 'SIGCONT');
        await stage.pause(5);
      }
    } finally {
      process.kill(pid, 'SIGCONT');
      await put;
    }
  },
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => dropStranger(stage, STRANGER),
};

const noFiles: Fault = {
  row: 29,
  name: 'no-file-descriptors',
  about: 'the daemon may open no more files for 5 s, rules are flushed and etcd changes meanwhile',
  budget: () => ({ gapMs: SQUEEZE_MS + 7_000, healMs: 7_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { run, pause } = stage;
    const pid = String(stage.subject.pid(stage.node(VICTIM)));
    const before = (
      await run(VICTIM, 'prlimit', '--pid', pid, '--nofile', '--noheadings', '--raw', '--output', 'SOFT')
    ).trim();
    await run(VICTIM, 'prlimit', '--pid', pid, '--nofile=3:');
    await run(VICTIM, 'nft', 'flush', 'ruleset');
    await putStranger(stage, STRANGER);
    await pause(SQUEEZE_MS);
    await run(VICTIM, 'prlimit', '--pid', pid, `--nofile=${before}:`);
  },
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => dropStranger(stage, STRANGER),
};

/** Programs that the daemon starts for rules. */
const TOOLS = ['nft', 'iptables', 'iptables-restore', 'iptables-save', 'iptables-nft-save', 'iptables-legacy-save'];

const badTools: Fault = {
  row: 29,
  name: 'tools-hang',
  about: 'nft and iptables hang for 5 s, then fail for 5 s; rules are flushed meanwhile',
  budget: () => ({ gapMs: 25_000, healMs: 8_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { kill, run, pause, node } = stage;
    const dir = join(node(VICTIM).dir, 'tools');
    await mkdir(dir, { recursive: true });
    await kill(VICTIM, 'SIGTERM');
    const path = (await run(VICTIM, 'printenv', 'PATH')).trim();
    await run(VICTIM, 'env', `PATH=${dir}:${path}`, 'tsflannel', 'up', '--detach');
    await shadow(dir, '#!/bin/sh\nexec sleep 5\n');
    await run(VICTIM, 'nft', 'flush', 'ruleset');
    await pause(SQUEEZE_MS);
    await shadow(dir, '#!/bin/sh\nexit 1\n');
    await pause(SQUEEZE_MS);
    await rm(dir, { recursive: true });
  },
  async undo(stage) {
    await stage.kill(VICTIM, 'SIGTERM');
    await stage.start(VICTIM);
  },
};

async function shadow(dir: string, script: string): Promise<void> {
  for (const tool of TOOLS) {
    await writeFile(join(dir, tool), script);
    await chmod(join(dir, tool), 0o755);
  }
}

/** Where a network goes from each backend when it is switched. */
const NEXT: Readonly<Record<Backend, Backend>> = { vxlan: 'host-gw', 'host-gw': 'vxlan', udp: 'vxlan' };

const setBackend = ({ run, lab }: Stage, backend: Backend): Promise<string> =>
  run(1, ...configArgv(lab.spec.network, backend));

const configChanged: Fault = {
  row: 25,
  name: 'config-changed-live',
  about: 'another backend is set in etcd while all run: they stay on the old one until they are started again',
  budget: () => ({ gapMs: 0, healMs: 1_000 }),
  ownOnly: true,
  async run(stage) {
    await setBackend(stage, NEXT[stage.backend]);
    await stage.pause(2_000);
    await setBackend(stage, stage.backend);
  },
};

async function restartAll({ lab, kill, start }: Stage): Promise<void> {
  await Promise.all(
    lab.nodes.map(async (_, i) => {
      await kill(i + 1, 'SIGTERM');
      await start(i + 1);
    }),
  );
}

const switched: Fault = {
  row: 25,
  name: 'backend-switched',
  about: 'another backend is set and all daemons are started again at once: the old one leaves nothing',
  budget: () => ({ gapMs: 5_000, healMs: 5_000 }),
  ownOnly: true,
  async run(stage) {
    await setBackend(stage, NEXT[stage.backend]);
    await restartAll(stage);
  },
  async undo(stage) {
    await setBackend(stage, stage.backend);
    await restartAll(stage);
  },
};

export const HOST_FAULTS: readonly Fault[] = [
  ...[...ENV_FAULTS, noSpace, slow, noFiles, badTools],
  ...[configChanged, switched],
];
