import { Flags } from '@oclif/core';
import type { PairReport } from '../../model/connectivity.ts';
import { notice, type Result, TsflannelCommand } from '../../output/command.ts';
import { connectivityCases, connectivityText } from '../../output/connectivity.ts';
import { nodeFlags } from '../../output/flags.ts';
import { junit } from '../../output/junit.ts';

const DEGRADED = 8;

export default class TestConnectivity extends TsflannelCommand {
  static override description =
    'Measure the way from this node to every other, or to those named: echo through the network and beside it, the largest packet, TCP, UDP, loss under load; with the likely cause of what fails. The other nodes need nothing but their kernel. With --lab, all pairs of a lab. Exit status 8 when a pair fails.';
  static override examples = [
    '<%= config.bin %> test connectivity',
    '<%= config.bin %> test connectivity n2 n3 --load-rate 5000',
    '<%= config.bin %> test connectivity --lab lab --junit report.xml',
  ];
  static override strict = false;
  static override usage = 'test connectivity [NODE...] [FLAGS]';
  static override flags = {
    'run-dir': nodeFlags['run-dir'],
    lab: Flags.string({ description: 'all pairs of the lab of this name' }),
    'load-rate': Flags.integer({
      description: 'packets a second of the load; 0: none',
      default: 1000,
      min: 0,
      max: 50_000,
    }),
    'load-seconds': Flags.integer({ description: 'how long the load lasts', default: 1, min: 1, max: 600 }),
    junit: Flags.string({ description: 'write a JUnit report to this file too' }),
  };

  override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(TestConnectivity);
    const pairs = await this.#measure(argv as string[], flags);
    if (flags.junit !== undefined) {
      const { writeFileAtomic } = await import('../../files/atomic.ts');
      await writeFileAtomic(flags.junit, junit('tsflannel test connectivity', connectivityCases(pairs)), 0o644);
    }
    const failed = pairs.some(({ result }) => result === 'fail');
    return { data: { pairs }, text: connectivityText(pairs), ...(failed && { exit: DEGRADED }) };
  }

  async #measure(
    peers: readonly string[],
    flags: { lab?: string | undefined; 'run-dir': string; 'load-rate': number; 'load-seconds': number },
  ): Promise<readonly PairReport[]> {
    const { lab, 'load-rate': loadRate, 'load-seconds': loadSeconds } = flags;
    if (lab !== undefined) {
      const { labsDir, readLab, testLab } = await import('../../lab/index.ts');
      const rest = [...peers, `--load-rate=${loadRate}`, `--load-seconds=${loadSeconds}`];
      return testLab(await readLab(lab, labsDir()), rest);
    }
    const { testConnectivity } = await import('../../host/connectivity.ts');
    const progress = (what: string): void => notice(`test: ${what}`);
    return testConnectivity({ runDir: flags['run-dir'], peers, loadRate, loadSeconds, progress });
  }
}
