import { Args, Flags } from '@oclif/core';
import type { EchoFigures } from '../model/connectivity.ts';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';
import { nodeFlags } from '../output/flags.ts';
import { lossText, tripText } from '../output/routes.ts';

/** Exit status when nothing came back. */
const UNREACHABLE = 69;
/** ICMP header, our message and the IPv4 header. */
const LEAST_BYTES = 56;

const summary = (what: string, echo: EchoFigures): string => {
  const { sent, received, rttMicros, worstMicros } = echo;
  const lost = lossText({ asked: sent, lost: sent - received });
  return `${what}: ${received} of ${sent} answered, ${lost} lost, median ${tripText(rttMicros)}, worst ${tripText(worstMicros)}`;
};

export default class Ping extends TsflannelCommand {
  static override description =
    'Ask a node, by its name, subnet or public address, or any address of the network, by ICMP echo; beside it the bare underlay, so that one sees where packets are lost. Exit status 69 when nothing is answered.';
  static override examples = [
    '<%= config.bin %> ping n2',
    '<%= config.bin %> ping 172.17.5.2 --count 100 --interval 10',
    '<%= config.bin %> ping n2 --size 1450 --whole',
  ];
  static override args = { to: Args.string({ required: true, description: 'node, subnet or address' }) };
  static override flags = {
    'run-dir': nodeFlags['run-dir'],
    count: Flags.integer({ description: 'requests', default: 5, min: 1, max: 60_000 }),
    interval: Flags.integer({ description: 'milliseconds between two requests', default: 200, min: 1, max: 60_000 }),
    size: Flags.integer({ description: 'bytes of each packet, IPv4 header and all', min: LEAST_BYTES, max: 65_000 }),
    whole: Flags.boolean({ description: 'never fragment: what does not fit is lost' }),
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Ping);
    const { ping } = await import('../host/connectivity.ts');
    const report = await ping({
      ...{ runDir: flags['run-dir'], to: args.to, count: flags.count, intervalMs: flags.interval },
      ...{ bytes: flags.size, whole: flags.whole },
      answered: (sequence, micros) => flags.json || notice(`answer ${sequence + 1} in ${tripText(micros)}`),
    });
    const { to, address, device, overlay, underlay } = report;
    const head = summary(`${to} at ${address}${device === '-' ? '' : ` over ${device}`}`, overlay);
    const beside = underlay ? [summary('its public address, on the underlay', underlay)] : [];
    const text = [head, ...beside].join('\n');
    return { data: { ...report }, text, ...(overlay.received === 0 && { exit: UNREACHABLE }) };
  }
}
