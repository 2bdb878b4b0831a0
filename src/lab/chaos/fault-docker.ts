import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { someAtOnce } from '../background.ts';
import { dockerdPaths, importImage, LAB_IMAGE, stopDockerd } from '../dockerd.ts';
import { dockerDirOf } from '../node.ts';
import { envOf } from '../status.ts';
import { startDockerOn } from '../up.ts';
import type { Fault } from './chaos.ts';
import { VICTIM } from './parts.ts';
import { dockersPodIp, replugDockersPods } from './pods.ts';
import type { Stage } from './stage.ts';

/**
 * Row 28: what happens to Docker on a node. The ends of the flow are on docker0 of two nodes' dockerd, and what two containers of one bridge
 * lose of each other's packets is Docker's own loss.
 */

/** The node's rules as a firewall's script would keep them, without what the kernel counts. */
const savedRules = async ({ run }: Stage): Promise<string[]> =>
  (await run(VICTIM, 'iptables-save')).split('\n').map((line) => line.replace(/ \[\d+:\d+\]$/, ''));

const isOurs = (line: string): boolean => /tsflannel/i.test(line);
/** Our own jump is in Docker's chain for others. */
const isDockers = (line: string): boolean => /docker/i.test(line) && !isOurs(line);

const dockersRules = async (stage: Stage): Promise<string> => (await savedRules(stage)).filter(isDockers).join('\n');

/** Loads what the lines say, in the place of all that is there. */
async function loadRules({ run, node }: Stage, lines: readonly string[]): Promise<void> {
  const file = join(node(VICTIM).dir, 'rules');
  await writeFile(file, `${lines.join('\n')}\n`);
  await run(VICTIM, 'iptables-restore', file);
}

/** Whether dockerd, its docker0 and subnet.env say the same. */
async function checkDocker(stage: Stage): Promise<void> {
  const { exit, stdout } = await stage.attempt(VICTIM, 'tsflannel', 'docker', 'status', '--json');
  stage.expect(exit === 0, `docker status: exit ${exit}: ${stdout}`);
  const [docker0] = JSON.parse(await stage.run(VICTIM, 'ip', '-j', 'link', 'show', 'docker0')) as { mtu: number }[];
  const mtu = (await envOf(stage.node(VICTIM)))?.mtu;
  stage.expect(docker0?.mtu === mtu, `docker0 has MTU ${docker0?.mtu}, subnet.env ${mtu}`);
}

interface About {
  readonly name: string;
  readonly about: string;
  readonly healMs?: number;
  readonly gapMs: number;
  readonly anew?: readonly RegExp[];
  /** Resolves to Docker's rules as they have to be in the end: byte by byte. */
  run(stage: Stage): Promise<string>;
  undo?(stage: Stage): Promise<void>;
}

function dockerFault({ run, undo, healMs = 2_000, gapMs, ...about }: About): Fault {
  let rules: string | undefined;
  return {
    row: 28,
    ...about,
    budget: () => ({ gapMs, healMs }),
    hits: [VICTIM],
    docker: true,
    ownOnly: true,
    async run(stage) {
      rules = undefined;
      rules = await run(stage);
    },
    async undo(stage) {
      const now = await dockersRules(stage);
      stage.expect(now === (rules ?? now), `Docker's rules are others: ${now} and not ${rules}`);
      await undo?.(stage);
      await checkDocker(stage);
    },
  };
}

async function restart({ lab, node }: Stage): Promise<void> {
  await stopDockerd(dockerDirOf(node(VICTIM)));
  await startDockerOn(lab, node(VICTIM));
}

const restarted = dockerFault({
  name: 'dockerd-restarted',
  about: 'dockerd ends and starts again, with its rules, beside the daemon',
  gapMs: 0,
  async run(stage) {
    const rules = await dockersRules(stage);
    await restart(stage);
    return rules;
  },
});

/** What `docker status` and `status` have to say of it. */
async function expectNamed({ attempt, expect }: Stage): Promise<void> {
  for (const command of [['docker', 'status'], ['status']]) {
    const { stdout } = await attempt(VICTIM, 'tsflannel', ...command, '--json');
    expect(/docker0/.test(stdout) && /tsflannel docker apply/.test(stdout), `${command.join(' ')}: ${stdout}`);
  }
}

const removed = dockerFault({
  name: 'docker-bridge-removed',
  about: 'docker0 is deleted; `status` and `docker status` name it, and `docker apply` has dockerd make it anew',
  gapMs: 2_000,
  // The new bridge has another MAC.
  anew: [/"ifname":"docker0"/, /^fdb: .*docker0/],
  async run(stage) {
    const { run, lab, node } = stage;
    const rules = await dockersRules(stage);
    await run(VICTIM, 'ip', 'link', 'del', 'docker0');
    try {
      await expectNamed(stage);
    } finally {
      await run(VICTIM, 'tsflannel', 'docker', 'apply', '--yes');
      await replugDockersPods(lab, node(VICTIM));
    }
    return rules;
  },
});

const STORM = { short: 12, usual: 60 } as const;

const storm = dockerFault({
  name: 'docker-run-storm',
  about: `${STORM.usual} containers (short: ${STORM.short}) come, ping another node's and go, while the daemon is killed and started again`,
  gapMs: 1_000,
  async run(stage) {
    const { run, node, short, kill, start } = stage;
    const rules = await dockersRules(stage);
    await importImage(dockerdPaths(dockerDirOf(node(VICTIM))));
    const ping = ['/bin/busybox', 'ping', '-c', '3', '-W', '2', await dockersPodIp(node(VICTIM - 1))];
    const containers = Array.from({ length: short ? STORM.short : STORM.usual });
    const all = someAtOnce(containers, () => run(VICTIM, 'docker', 'run', '--rm', LAB_IMAGE, ...ping));
    await kill(VICTIM);
    await start(VICTIM);
    await all;
    return rules;
  },
});

const reloaded = dockerFault({
  name: 'iptables-reloaded',
  about: "a firewall is loaded anew from a file that has Docker's rules and none of ours",
  gapMs: 1_000,
  async run(stage) {
    const lines = await savedRules(stage);
    await loadRules(
      stage,
      lines.filter((line) => !isOurs(line)),
    );
    return lines.filter(isDockers).join('\n');
  },
});

/** The FORWARD chain before it was flushed. */
let saved: readonly string[] = [];

const flushed = dockerFault({
  name: 'docker-forward-drop',
  about: "the FORWARD policy is set to DROP and all rules in it are flushed, Docker's jumps too",
  gapMs: 1_000,
  healMs: 1_000,
  async run(stage) {
    saved = await savedRules(stage);
    await stage.run(VICTIM, 'iptables', '-P', 'FORWARD', 'DROP');
    await stage.run(VICTIM, 'iptables', '-F', 'FORWARD');
    return dockersRules(stage);
  },
  async undo(stage) {
    await loadRules(stage, saved);
  },
});

export const DOCKER_FAULTS: readonly Fault[] = [restarted, removed, storm, reloaded, flushed];
