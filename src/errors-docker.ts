import { entry } from './errors-cluster.ts';

/** The rows of src/errors.ts about subnet.env and Docker. */
export const DOCKER_ERRORS = {
  SUBNET_ENV_MISSING: entry(3, 'there is no usable {file}', '{detail}', 'tsflannel up --detach'),
  SUBNET_ENV_INVALID: entry(1, '{file} is not valid', '{detail}', 'tsflannel status'),
  FILE_TAKEN: entry(
    6,
    "the file {file} is another program's",
    'it would be lost; keep it under another name',
    'mv {file} {file}.before',
  ),
  SUBNET_ROUTED: entry(
    6,
    'the routing table already sends {subnet} to another node',
    'it has a route through {gateway}: two nodes would own these addresses',
    'tsflannel routes',
  ),
  DOCKER_NOT_FOUND: entry(3, 'no dockerd was found on this host', '{detail}', 'tsflannel docker apply --help'),
  DOCKER_UNSUPPORTED: entry(
    3,
    'the Docker of this host cannot be given the leased subnet',
    '{detail}',
    'apt-get install docker.io',
    'tsflannel docker opts --help',
  ),
  DOCKER_NOT_RUNNING: entry(9, 'Docker is down', '{detail}', 'tsflannel docker apply'),
  DOCKER_CONFIG: entry(1, 'the Docker configuration is not usable', '{detail}', 'tsflannel docker apply --dry-run'),
  DOCKER_FAILED: entry(
    1,
    'Docker could not be switched; everything was put back',
    '{detail}',
    'tsflannel docker apply --dry-run',
  ),
  DOCKER_NETWORK: entry(
    6,
    'Docker has no such network {name} to give or take',
    '{detail}',
    'tsflannel docker status',
    'tsflannel docker apply --docker0-length 25 --dry-run',
  ),
  DOCKER_UNREACHABLE: entry(69, 'Docker does not answer at {socket}', '{detail}', 'tsflannel docker apply --help'),
  DOCKER_LIVE_RESTORE: entry(
    6,
    'live-restore is on and containers run: {containers}',
    'they would live through the restart, and Docker then ignores a new bip',
    'tsflannel docker apply --stop-containers',
  ),
  DOCKER_NOT_RESTORED: entry(
    1,
    'Docker could not be switched, and not everything could be put back',
    '{detail}',
    'tsflannel docker revert',
  ),
} as const;
