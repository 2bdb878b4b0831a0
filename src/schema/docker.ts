/** What the commands print that look at Docker or change it. */
import type { DockerOutcome } from '../docker/apply.ts';
import type { NetworkOutcome } from '../docker/network.ts';
import type { DockerReport, DockerRow } from '../model/report.ts';
import { count, flag, list, objectOf, optional, type Properties, type PropertiesOf, text } from './build.ts';
import { state } from './node.ts';

const report: PropertiesOf<DockerReport> = {
  state,
  rows: list(
    objectOf<DockerRow>({
      what: text(),
      state,
      expected: text('empty where nothing says what it should be'),
      found: text(),
      fix: optional(list(text(), 'commands')),
    }),
  ),
};
export const dockerStatus: Properties = report;

export const dockerOpts: Properties = { file: text(), content: text('what it holds now') };
export const dockerInstalled: Properties = { installed: text('the path of the script') };

const changed = flag('or, in a dry run, would be');
const dryRun = flag();
const outcome: PropertiesOf<DockerOutcome> = {
  changed,
  change: text('the change line by line, as diff shows it; empty: none'),
  containers: list(text(), 'names of those that the restart of Docker touches'),
};
/** Of apply and revert. */
export const dockerChange: Properties = { ...outcome, dryRun };

const network: PropertiesOf<NetworkOutcome> = {
  changed,
  name: text(),
  command: list(text(), 'of Docker, that does the same'),
  subnet: optional(text('as CIDR')),
  mtu: optional(count('bytes')),
};
export const dockerNetwork: Properties = { ...network, dryRun };
