import { TsflannelError } from '../errors.ts';

/** A host that cloud-init is to make a node. */
export interface CloudNode {
  /** The first one begins the cluster with this config; the others come with a token. */
  readonly role:
    | { readonly kind: 'first'; readonly network: string; readonly backend?: string }
    | { readonly kind: 'join'; readonly token: string };
  /** For `up`, by way of `service install`. */
  readonly flags: readonly string[];
  /** How the program comes to the host. */
  readonly install: string;
  /** Packages of the distribution. */
  readonly packages: readonly string[];
  /** Give Docker the subnet too. */
  readonly docker: boolean;
}

const TOKEN_FILE = '/etc/tsflannel/join-token';

/** Every JSON text is a YAML one. */
const list = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
const entry = (...words: string[]): string => `  - ${list(words)}`;

const tokenFile = (token: string): string[] => [
  'write_files:',
  `  - path: ${TOKEN_FILE}`,
  '    owner: root:root',
  "    permissions: '0600'",
  `    content: ${JSON.stringify(`${token}\n`)}`,
];

/** The token goes in by a file and by stdin, where no other user of the host sees it, and does not stay. */
const joinLines = (): string[] => [
  entry('sh', '-c', `tsflannel join --systemd - < ${TOKEN_FILE}`),
  entry('rm', '-f', TOKEN_FILE),
];

function firstLines({ network, backend }: { readonly network: string; readonly backend?: string }): string[] {
  const how = backend === undefined ? [] : ['--backend', backend];
  return [
    entry('tsflannel', 'init', '--systemd', '--yes'),
    entry('tsflannel', 'config', 'set', '--network', network, ...how),
  ];
}

/** The user-data: a cloud-config document. Throws USAGE for an installation of more than one line. */
export function cloudConfig({ role, flags, install, packages, docker }: CloudNode): string {
  if (/[\n\r\0]/.test(install)) throw new TsflannelError('USAGE', { detail: '--install is one line' });
  return [
    '#cloud-config',
    '# A node of tsflannel: etcd, the daemon at every boot, Docker on its subnet. Printed by tsflannel cloud-init.',
    ...(packages.length === 0 ? [] : [`packages: ${list(packages)}`]),
    ...(role.kind === 'join' ? tokenFile(role.token) : []),
    'runcmd:',
    entry('sh', '-c', install),
    ...(role.kind === 'join' ? joinLines() : firstLines(role)),
    entry('tsflannel', 'service', 'install', ...(flags.length === 0 ? [] : ['--', ...flags])),
    ...(docker ? [entry('tsflannel', 'docker', 'apply', '--yes')] : []),
  ].join('\n');
}
