import { setTimeout as sleep } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { showLive } from '../output/live.ts';
import { lookFlags } from '../output/look-flags.ts';
import { topLines } from '../output/top.ts';

const SECOND = 1_000;
/** Of a printed screen: nothing is cut off. */
const UNBOUNDED = { columns: 1_000, rows: 10_000 };
const VIEW = { sort: 'subnet', paused: false, help: false, from: 0 } as const;

export default class Top extends TsflannelCommand {
  static override description =
    'Watch the node and its peers live: state, round trip, loss, traffic, what the source check refuses, lease time left, events as they come. Keys: q leave, s sort, p pause, h help. Without a terminal, or with --once, it prints one screen after a second.';
  static override examples = ['<%= config.bin %> top', '<%= config.bin %> top --once', '<%= config.bin %> top --json'];
  static override flags = { ...lookFlags, once: Flags.boolean({ description: 'print one screen and end' }) };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Top);
    const { liveNow } = await import('../host/live.ts');
    const { lookOptions } = await import('../host/look-options.ts');
    const options = await lookOptions(flags);
    const look = () => liveNow(options);
    if (process.stdout.isTTY && process.stdin.isTTY && !flags.once && !flags.json) {
      return { data: {}, text: '', exit: await showLive(look), silent: true };
    }
    const before = await look();
    // Rates need two looks.
    await sleep(SECOND);
    const now = await look();
    const { flowsBetween } = await import('../model/live.ts');
    const { device, peers } = flowsBetween(before, now);
    const text = topLines([before, now], VIEW, UNBOUNDED)
      .filter((line) => line !== '')
      .slice(0, -1);
    return { data: { ...now, rates: { device, peers: Object.fromEntries(peers) } }, text: text.join('\n') };
  }
}
