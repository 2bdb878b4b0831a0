import { Flags } from '@oclif/core';
import { subnetFileFlag } from './flags.ts';

const configFile = Flags.string({
  description: 'the daemon.json dockerd reads (default: what dockerd was started with, /etc/docker/daemon.json)',
  env: 'TSFLANNEL_DOCKER_CONFIG_FILE',
  helpGroup: 'DOCKER',
});
const socket = Flags.string({
  description: "unix socket of Docker's API (default: what dockerd listens on)",
  env: 'TSFLANNEL_DOCKER_SOCKET',
  helpGroup: 'DOCKER',
});

/** The same for `up`, which has other files too. */
export const upDockerFlags = { 'docker-config-file': configFile, 'docker-socket': socket };

/** Which Docker, and where things are kept. */
export const dockerPlaceFlags = {
  'state-dir': Flags.string({
    description: 'folder of the journal (docker-apply.json)',
    default: '/var/lib/tsflannel',
    env: 'TSFLANNEL_STATE_DIR',
    helpGroup: 'NODE',
  }),
  'run-dir': Flags.string({
    description: "folder of the daemon's control socket",
    default: '/run/tsflannel',
    env: 'TSFLANNEL_RUN_DIR',
    helpGroup: 'NODE',
  }),
  'config-file': configFile,
  'docker-socket': socket,
};

/** Flags of `docker apply` and `docker revert`. */
export const dockerFlags = {
  ...dockerPlaceFlags,
  'stop-containers': Flags.boolean({
    description: 'with live-restore: stop the running containers first, start them again after',
    helpGroup: 'DOCKER',
  }),
  yes: Flags.boolean({ char: 'y', description: 'restart Docker without asking' }),
  'dry-run': Flags.boolean({ default: false, description: 'print the exact changes, make none' }),
};

/** Flags of `docker network …`. */
export const networkFlags = {
  ...dockerPlaceFlags,
  ...subnetFileFlag,
  'dry-run': Flags.boolean({ default: false, description: "print Docker's own command for it, change nothing" }),
};
