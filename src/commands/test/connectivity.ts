import type { Interfaces } from '@oclif/core';
import type { PairReport } from '../../model/connectivity.ts';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { connectivityCases, connectivityText } from '../../output/connectivity.ts';
import { connectivityFlags } from '../../output/connectivity-flags.ts';
import { junit } from '../../output/junit.ts';

type ConnectivityFlags = Interfaces.InferredFlags<typeof connectivityFlags>;

const DEGRADED = 8;
const progress = (what: string): void => notice(`test: ${what}`);

async function measure(peers: readonly string[], flags: ConnectivityFlags): Promise<readonly PairReport[]> {
  const { lab, containers, 'load-rate': loadRate, 'load-seconds': loadSeconds } = flags;
  if (lab !== undefined) {
    const { labsDir, readLab, testLab } = await import('../../lab/index.ts');
    const rest = [`--load-rate=${loadRate}`, `--load-seconds=${loadSeconds}`];
    return testLab(await readLab(lab, labsDir()), [...peers, ...rest, ...(containers ? [] : ['--no-containers'])]);
  }
  const { testConnectivity } = await import('../../host/connectivity.ts');
  return testConnectivity({ runDir: flags['run-dir'], peers, containers, loadRate, loadSeconds, progress });
}

async function answer(runDir: string, seconds: number): Promise<Result> {
  const { answerConnectivity } = await import('../../host/connectivity.ts');
  await answerConnectivity(runDir, seconds, (address, bridge) =>
    progress(`${address} on ${bridge} answers for ${seconds} s`),
  );
  return { data: { pairs: [] }, text: '' };
}

async function collect(flags: ConnectivityFlags, file: string): Promise<void> {
  const { writeBundle } = await import('../../bundle/bundle.ts');
  const places = { configDir: flags['config-dir'], runDir: flags['run-dir'], subnetFile: flags['subnet-file'] };
  progress(`a pair failed: ${(await writeBundle(file, places)).file} has what this node knows`);
}

export default class TestConnectivity extends TsflannelCommand {
  static override description =
    'Measure the way from this node to every other, or to those named: echo through the network and beside it, the largest packet, TCP, UDP, loss under load, and the same from a container’s place on this node to containers of the other; with the likely cause of what fails. The other nodes need nothing but their kernel. With --lab, all pairs of a lab. Exit status 8 when a pair fails.';
  static override examples = [
    '<%= config.bin %> test connectivity',
    '<%= config.bin %> test connectivity n2 172.17.9.4 --load-rate 5000',
    '<%= config.bin %> test connectivity --answer 600',
    '<%= config.bin %> test connectivity --collect failed.tar.gz --junit report.xml',
  ];
  static override strict = false;
  static override usage = 'test connectivity [NODE|CONTAINER...] [FLAGS]';
  static override flags = connectivityFlags;

  override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(TestConnectivity);
    if (flags.answer !== undefined) return answer(flags['run-dir'], flags.answer);
    const pairs = await measure(argv as string[], flags);
    if (flags.junit !== undefined) {
      const { writeFileAtomic } = await import('../../files/atomic.ts');
      await writeFileAtomic(flags.junit, junit('tsflannel test connectivity', connectivityCases(pairs)), 0o644);
    }
    const failed = pairs.some(({ result }) => result === 'fail');
    if (failed && flags.collect !== undefined) await collect(flags, flags.collect);
    return { data: { pairs }, list: 'pairs', text: connectivityText(pairs), ...(failed && { exit: DEGRADED }) };
  }
}
