import { askIfRunning, askIfUp } from '../control/client.ts';
import { bridgeOf } from '../docker/bridge.ts';
import type { DockerParts } from '../docker/gather.ts';
import { type CreateRequest, dropDockerNetwork, makeDockerNetwork, type NetworkOutcome } from '../docker/network.ts';
import { type DockerStatusRequest, dockerStatus } from '../docker/status.ts';
import { TsflannelError } from '../errors.ts';
import { parsePrefix } from '../model/address.ts';
import type { DockerReport } from '../model/report.ts';
import { canAsk, openAsk } from '../output/ask.ts';
import { notice } from '../output/command.ts';
import { plainKernel } from './node.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const question = (containers: readonly string[]): string =>
  containers.length === 0
    ? 'Docker is restarted. Go on?'
    : `Docker is restarted, and with it its running containers (${containers.join(', ')}). Go on?`;

async function confirm(change: string, containers: readonly string[]): Promise<void> {
  if (!canAsk())
    throw new TsflannelError('NEEDS_CONFIRMATION', { detail: question(containers).replace(' Go on?', '') });
  notice(change);
  const yes = await (await openAsk()).confirm(question(containers), false);
  if (!yes) throw new TsflannelError('ABORTED');
}

/** With live-restore on; to stop them is not part of a general yes. */
const offerStop = async (containers: readonly string[]): Promise<boolean> =>
  (await openAsk()).confirm(
    `live-restore keeps containers through a restart, and Docker then keeps its old subnet. Stop ${containers.join(', ')} in this order, and start them again after it?`,
    false,
  );

/** Ctrl-C, a lost terminal and SIGTERM end the work by putting everything back; a second one does not break that off. */
function interruption(): { readonly signal: AbortSignal; readonly close: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const name of SIGNALS) process.on(name, abort);
  return {
    signal: controller.signal,
    close: () => {
      for (const name of SIGNALS) process.off(name, abort);
    },
  };
}

/** Does the work with the real kernel, terminal, signals and daemon. Rejects with NOT_ROOT for other users. */
export async function withDocker<T>(
  { runDir, yes }: { readonly runDir: string; readonly yes: boolean },
  work: (parts: DockerParts) => Promise<T>,
): Promise<T> {
  if (process.getuid?.() !== 0) throw new TsflannelError('NOT_ROOT', { detail: "change Docker's options" });
  const kernel = await plainKernel();
  const interrupted = interruption();
  const ring = async (): Promise<void> => {
    // Docker is switched already: a daemon that is busy or gone does not undo that, and looks by itself.
    await askIfRunning(runDir, 'ring').catch((error: Error) => notice(`the daemon was not told: ${error.message}`));
  };
  try {
    return await work({
      bridge: bridgeOf(kernel),
      signal: interrupted.signal,
      notice,
      confirm: yes ? async () => undefined : confirm,
      offerStop: !yes && canAsk() ? offerStop : undefined,
      notifyDaemon: ring,
    });
  } finally {
    interrupted.close();
    await kernel.close();
  }
}

/** `docker status` with the real kernel and daemon. Rejects with NOT_ROOT for other users, who may not look at dockerd's process. */
export async function dockerStatusNow({
  runDir,
  ...place
}: Omit<DockerStatusRequest, 'lease'> & { readonly runDir: string }): Promise<DockerReport> {
  if (process.getuid?.() !== 0) throw new TsflannelError('NOT_ROOT', { detail: 'look at how Docker runs' });
  const node = await askIfUp(runDir, 'status');
  const subnet = node && parsePrefix(node.subnet);
  const kernel = await plainKernel();
  try {
    const lease = node && subnet && { subnet, mtu: node.mtu };
    return await dockerStatus({ ...place, lease }, { bridge: bridgeOf(kernel), signal: new AbortController().signal });
  } finally {
    await kernel.close();
  }
}

/** The flags of `docker network …`, as oclif hands them over. */
interface NetworkFlags {
  readonly 'state-dir': string;
  readonly 'run-dir': string;
  readonly 'subnet-file': string;
  readonly 'config-file': string | undefined;
  readonly 'docker-socket': string | undefined;
  readonly 'dry-run': boolean;
}

const networkRequest = (flags: NetworkFlags, name: string) => ({
  name,
  stateDir: flags['state-dir'],
  subnetFile: flags['subnet-file'],
  configFile: flags['config-file'],
  socket: flags['docker-socket'],
  dryRun: flags['dry-run'],
});

/** `docker network create` on the real Docker. */
export const makeNetwork = (
  flags: NetworkFlags,
  { name, subnet, length }: Pick<CreateRequest, 'name' | 'subnet' | 'length'>,
): Promise<NetworkOutcome> =>
  withDocker({ runDir: flags['run-dir'], yes: true }, (parts) =>
    makeDockerNetwork({ ...networkRequest(flags, name), subnet, length }, parts),
  );

/** `docker network remove` on the real Docker. */
export const dropNetwork = (flags: NetworkFlags, name: string): Promise<NetworkOutcome> =>
  withDocker({ runDir: flags['run-dir'], yes: true }, (parts) => dropDockerNetwork(networkRequest(flags, name), parts));
