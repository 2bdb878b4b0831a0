import { type Result, TsflannelCommand } from '../output/command.ts';

export default class Version extends TsflannelCommand {
  static override description = 'Print the version of tsflannel and of the Node.js it runs on.';
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json'];

  override async execute(): Promise<Result> {
    await this.parse(Version);
    const data = { version: this.config.version, node: process.versions.node };
    return { data, text: `tsflannel ${data.version} (node ${data.node})` };
  }
}
