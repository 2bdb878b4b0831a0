import { Args, type Interfaces } from '@oclif/core';
import { TsflannelError } from '../errors.ts';
import { type Ip, parseIp4 } from '../model/address.ts';
import type { BenchReport } from '../model/figures.ts';
import { canAsk, openAsk } from '../output/ask.ts';
import { benchRows, benchText } from '../output/bench.ts';
import { benchFlags } from '../output/bench-flags.ts';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';

type BenchFlags = Interfaces.InferredFlags<typeof benchFlags>;

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });
const progress = (what: string): void => notice(`bench: ${what}`);

function listenIp(text: string | undefined): Ip | undefined {
  const ip = text === undefined ? undefined : parseIp4(text);
  if (text !== undefined && !ip) throw usage(`--listen ${text}: not an IPv4 address`);
  return ip;
}

async function serve(flags: BenchFlags): Promise<Result> {
  const { serveBench } = await import('../host/bench.ts');
  const { port, code, underlay, wait: waitSeconds } = flags;
  const portFlag = port === 8286 ? '' : ` --port ${port}`;
  const served = await serveBench({
    ...{ port, code, underlay, waitSeconds, runDir: flags['run-dir'], listen: listenIp(flags.listen) },
    listening: ({ address, code: shown }) => {
      notice(`waiting for one client; on the other node:\n\n  tsflannel bench ${address}${portFlag} --code ${shown}\n`);
    },
  });
  return { data: { ...served }, text: `${served.client} has measured; ${served.measurements} measurements` };
}

async function askCode(): Promise<string> {
  if (!canAsk()) throw new TsflannelError('MISSING_FLAGS', { flags: '--code' });
  const ask = await openAsk();
  return ask.text('The code the server printed', '', (answer) => (answer === '' ? 'it is needed' : undefined));
}

async function measure(flags: BenchFlags, peer: string): Promise<BenchReport> {
  const { port, seconds } = flags;
  const code = flags.code ?? (await askCode());
  const { runBench } = await import('../host/bench.ts');
  const udp = [
    { size: 64, rate: flags['small-rate'] },
    { size: 1400, rate: flags['large-rate'] },
  ];
  const plan = { seconds, tcp: [1, 4], udp, roundTrip: true };
  return runBench({ runDir: flags['run-dir'], peer, port, code, plan, progress });
}

async function measureLab(flags: BenchFlags, name: string): Promise<BenchReport> {
  const { benchLab, labsDir, nodeOf, readLab } = await import('../lab/index.ts');
  const lab = await readLab(name, labsDir());
  const plan = (['seconds', 'small-rate', 'large-rate'] as const).map((flag) => `--${flag}=${flags[flag]}`);
  return benchLab({ lab, from: nodeOf(lab, flags.from), to: nodeOf(lab, flags.to), flags: plan });
}

export default class Bench extends TsflannelCommand {
  static override description =
    'Measure the way to another node: TCP, UDP, round trips, CPU time; beside the bare underlay where the server allows it. Start the server on the other node first: it prints a code that is good once.';
  static override examples = [
    '<%= config.bin %> bench --server --underlay',
    '<%= config.bin %> bench 172.17.5.0 --code k7qmx-3wdbf',
    '<%= config.bin %> bench --lab lab --from n1 --to n2',
  ];
  static override args = { peer: Args.string({ description: "the server's address, as it printed it" }) };
  static override flags = benchFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Bench);
    if (flags.server) return serve(flags);
    const isOne = (args.peer === undefined) !== (flags.lab === undefined);
    if (!isOne) throw usage('either a peer, or --server, or --lab is needed');
    const report = flags.lab === undefined ? await measure(flags, args.peer ?? '') : await measureLab(flags, flags.lab);
    return { data: { ...report, rows: benchRows(report) }, text: benchText(report) };
  }
}
