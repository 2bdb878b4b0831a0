import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { nodeFlags } from '../../output/flags.ts';

const HELP = 'SERVICE';

export default class DiscoveryServe extends TsflannelCommand {
  static override summary = 'Serve discovery URLs for new etcd clusters.';
  static override description =
    "Speaks etcd's v2 discovery protocol: tsflannel init and etcd's own --discovery (up to 3.6) bootstrap through it, with no service of\n" +
    'anybody else. Whoever reaches it can ask for a URL (/new?size=3), so listen where only your hosts are. Ends on SIGTERM and Ctrl-C;\n' +
    'what it knows is in --data-dir and is there again on the next start.';
  static override examples = [
    '<%= config.bin %> discovery serve',
    '<%= config.bin %> discovery serve --listen 10.0.0.1:8087 --detach',
    '<%= config.bin %> discovery serve --listen 127.0.0.1:8087 --public-url https://discovery.example.org',
    '<%= config.bin %> init --new-discovery http://10.0.0.1:8087 --size 3',
  ];
  static override flags = {
    listen: Flags.string({
      description: 'address and port',
      default: '0.0.0.0:8087',
      env: 'TSFLANNEL_DISCOVERY_LISTEN',
      helpGroup: HELP,
    }),
    'public-url': Flags.string({
      description: 'how the hosts reach it (default: as each of them called it); the URLs it gives out begin with this',
      env: 'TSFLANNEL_DISCOVERY_PUBLIC_URL',
      helpGroup: HELP,
    }),
    'data-dir': Flags.string({
      description: 'folder of the registries',
      default: '/var/lib/tsflannel/discovery',
      env: 'TSFLANNEL_DISCOVERY_DATA_DIR',
      helpGroup: HELP,
    }),
    'token-hours': Flags.integer({
      description: 'hours until a URL is forgotten that nobody uses',
      default: 168,
      min: 1,
      max: 87_600,
      helpGroup: HELP,
    }),
    'max-tokens': Flags.integer({
      description: 'how many URLs it keeps at most',
      default: 1000,
      min: 1,
      max: 100_000,
      helpGroup: HELP,
    }),
    detach: Flags.boolean({ description: 'return when it listens; it goes on in the background' }),
    timeout: Flags.integer({ description: 'seconds --detach waits', default: 30, min: 1 }),
    'run-dir': nodeFlags['run-dir'],
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(DiscoveryServe);
    const { serveDetached, serveHere } = await import('../../host/discovery.ts');
    if (!flags.detach) {
      await serveHere(flags);
      return { data: { stopped: true }, text: '' };
    }
    const served = await serveDetached(flags);
    const { pid, log, url } = served;
    const lines = [`discovery service runs (pid ${pid}, log ${log}); 'kill ${pid}' ends it`];
    return { data: { ...served }, text: [...lines, `next: tsflannel init --new-discovery ${url} --size 3`].join('\n') };
  }
}
