import { Flags } from '@oclif/core';
import { newDiscoveryUrl } from '../../etcd/discovery.ts';
import { newV3 } from '../../etcd/discovery-v3.ts';
import { quoted } from '../../etcd/request.ts';
import { newWish, v3Place, type Wish, wishFlags } from '../../etcd/wish.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { discoveryFlags } from '../../output/member-flags.ts';

export default class DiscoveryNew extends TsflannelCommand {
  static override summary = 'Make a discovery URL or token for a new etcd cluster.';
  static override description =
    'With --discovery-endpoints a token of v3 discovery, kept by any etcd that can be reached; with --service a URL of v2 discovery.\n' +
    'It serves one cluster of --size members, once. Who knows it can come in until the cluster is complete.';
  static override examples = [
    '<%= config.bin %> discovery new --discovery-endpoints http://10.0.0.9:2379 --size 3',
    '<%= config.bin %> discovery new --service http://10.0.0.9:8087 --size 5',
  ];
  static override flags = {
    service: Flags.string({
      description: 'address of a v2 discovery service, as discovery serve is one',
      env: 'TSFLANNEL_NEW_DISCOVERY',
      exactlyOne: ['service', 'discovery-endpoints'],
    }),
    ...discoveryFlags,
    size: Flags.integer({ description: 'members the cluster will have', default: 3, min: 1, max: 31 }),
  };

  private async make(flags: { readonly service?: string | undefined; readonly size: number }): Promise<Wish> {
    if (flags.service !== undefined) {
      newWish(flags.service, flags.size);
      return { kind: 'discovery', url: await newDiscoveryUrl(flags.service, flags.size) };
    }
    const place = v3Place(flags);
    const { openKv } = await import('../../host/kv.ts');
    const { token } = await newV3(openKv, place, flags.size);
    return { kind: 'v3', registry: { ...place, token } };
  }

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(DiscoveryNew);
    const wish = await this.make(flags);
    const line = ['tsflannel init', ...wishFlags(wish).map(quoted)].join(' ');
    const made =
      wish.kind === 'v3' ? { token: wish.registry.token } : wish.kind === 'discovery' ? { url: wish.url } : {};
    const text = [
      `on each of the ${flags.size} hosts, with --ca-cert and --ca-key that all share, or --insecure:`,
      `  ${line}`,
    ].join('\n');
    return { data: { ...made, size: flags.size, command: line }, text };
  }
}
