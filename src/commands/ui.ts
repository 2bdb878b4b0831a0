import { Flags } from '@oclif/core';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';
import { lookFlags } from '../output/look-flags.ts';

export default class Ui extends TsflannelCommand {
  static override description =
    'Serve a page of this node on loopback, live and read-only: the nodes with traffic and loss on each link, who holds what of the network, events. It needs nothing from elsewhere. Only who has the address with its key gets an answer. From another host: ssh -L 8289:127.0.0.1:8289.';
  static override examples = ['<%= config.bin %> ui', '<%= config.bin %> ui --port 9000'];
  static override flags = {
    ...lookFlags,
    port: Flags.integer({ description: 'port on 127.0.0.1; 0: any that is free', default: 8289, min: 0, max: 65_535 }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Ui);
    const { lookOptions } = await import('../host/look-options.ts');
    const { serveUi } = await import('../host/ui.ts');
    const server = await serveUi(await lookOptions(flags), flags.port);
    notice(`the page of this node, until Ctrl-C:\n\n  ${server.url}\n`);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    await server.close();
    return { data: { url: server.url }, text: '' };
  }
}
