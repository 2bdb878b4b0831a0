/**
 * The walls of src/ in one table: which room may import which, which may touch the system, and how long things may get.
 * docs/DESIGN.md prints this table (a test compares them); scripts/check-structure.ts enforces it. Moving a wall means changing this
 * file and saying why in an ADR.
 */
export interface Room {
  /** One line: what the room is for. */
  readonly about: string;
  /** Rooms it may import; `name (lazy)` only by `await import()` (types are free). A room covers the files directly in its folder. */
  readonly may: readonly string[];
  /** It may start processes and touch the file system. */
  readonly system?: true;
}

/** Every folder of src/ with files in it. The files of src/ itself are listed in PROGRAM. */
export const ROOMS: Readonly<Record<string, Room>> = {
  model: { about: 'values and their parsers', may: [] },
  store: { about: 'etcd as revisions, flannel’s schema, the view', may: ['model'] },
  'store/memory': { about: 'a store for tests and the simulator', may: ['model', 'store'] },
  'etcd-client': { about: 'the gRPC transport', may: ['model', 'store'], system: true },
  'store/etcd': { about: 'the store on our transport', may: ['model', 'store', 'etcd-client'] },
  'store/etcd3': { about: 'the store on the etcd3 package', may: ['model', 'store', 'etcd-client'] },
  lease: { about: 'choosing a subnet and holding it', may: ['model', 'store'] },
  kernel: { about: 'state, diff, plan, ownership: pure', may: ['model'] },
  'kernel/memory': { about: 'a fake kernel with the same contract', may: ['model', 'kernel'] },
  sys: { about: 'bindings to the C library and the kernel', may: ['model'], system: true },
  'kernel/linux': {
    about: 'observes and changes the kernel',
    may: ['model', 'kernel', 'sys', 'files', 'forwarder'],
    system: true,
  },
  forwarder: { about: 'the data plane of backend udp', may: ['model', 'kernel', 'sys'], system: true },
  'forwarder/ebpf': {
    about: 'the same in the kernel, and the choice between the two',
    may: ['model', 'kernel', 'sys', 'forwarder'],
    system: true,
  },
  probe: { about: 'measures the path between two nodes', may: ['model', 'sys'], system: true },
  liveness: { about: 'asks peers whether packets pass', may: ['model'] },
  backend: { about: 'who leases what -> wanted objects: pure', may: ['model', 'kernel'] },
  files: { about: 'atomic writes, client.json', may: ['model'], system: true },
  output: { about: 'results -> table and JSON', may: ['model'] },
  reconcile: { about: 'the loop', may: ['model', 'store', 'kernel', 'backend'] },
  control: { about: 'the control socket: types and client', may: ['model', 'kernel', 'files'] },
  config: {
    about: 'network config: flags and files -> a written config',
    may: ['model', 'store', 'kernel', 'files', 'host (lazy)'],
  },
  etcd: {
    about: 'bootstrap and care of an etcd member',
    may: ['model', 'store', 'kernel', 'files', 'host (lazy)'],
    system: true,
  },
  discovery: {
    about: 'a server of the v2 discovery protocol',
    may: ['model', 'files', 'etcd'],
    system: true,
  },
  docker: {
    about: 'Docker options, docker0, restart, rollback',
    may: ['model', 'kernel', 'files', 'host (lazy)'],
    system: true,
  },
  doctor: {
    about: 'evidence -> findings, each with why and how to fix it: pure',
    may: ['model', 'kernel', 'control', 'config', 'store'],
  },
  'doctor/gather': {
    about: 'the evidence: /proc, files, filters, etcd step by step',
    may: ['model', 'store', 'files', 'doctor', 'etcd-client (lazy)'],
    system: true,
  },
  host: {
    about: 'composition root: builds the real parts from flags, environment and files',
    may: [
      'model',
      'store',
      'store/etcd',
      'store/etcd3',
      'lease',
      'kernel',
      'kernel/linux',
      'sys',
      'forwarder',
      'forwarder/ebpf',
      'probe',
      'backend',
      'reconcile',
      'daemon',
      'liveness',
      'files',
      'control',
      'config',
      'discovery',
      'docker',
      'etcd',
      'output',
      'trace',
      'ui',
      'doctor',
      'doctor/gather',
    ],
    system: true,
  },
  daemon: {
    about: 'the running node: socket, health, signals',
    may: ['model', 'store', 'lease', 'kernel', 'backend', 'reconcile', 'control', 'files', 'config', 'liveness'],
  },
  trace: { about: 'what a packet meets on its way: pure', may: ['model'] },
  page: { about: 'the page of tsflannel ui, in the browser', may: ['model'] },
  ui: { about: 'serves the page on loopback', may: ['model'], system: true },
  bundle: { about: 'one archive for who helps, without secrets', may: ['model', 'files'], system: true },
  service: {
    about: 'the init of the host starts tsflannel at boot; cloud-init',
    may: ['model', 'files', 'etcd'],
    system: true,
  },
  lab: {
    about: 'clusters of namespaces on one machine',
    may: ['model', 'files', 'control', 'docker', 'host (lazy)'],
    system: true,
  },
  'lab/chaos': {
    about: 'faults done to a lab, and what they cost',
    may: ['model', 'files', 'control', 'lab', 'probe', 'output', 'host (lazy)'],
    system: true,
  },
  schema: {
    about: 'what --json prints, as JSON Schema: data bound to the types of others',
    may: [
      'model',
      'store',
      'control',
      'bundle (lazy)',
      'config (lazy)',
      'docker (lazy)',
      'doctor (lazy)',
      'etcd (lazy)',
      'host (lazy)',
      'lab (lazy)',
      'output (lazy)',
      'probe (lazy)',
      'service (lazy)',
      'trace (lazy)',
    ],
  },
  commands: {
    about: 'flags -> one call -> one result',
    may: [
      'output',
      'control',
      'config',
      'etcd',
      'docker',
      'service',
      'doctor',
      'schema',
      'files',
      'model',
      'lab (lazy)',
      'bundle (lazy)',
      'lab/chaos (lazy)',
      'host (lazy)',
      'daemon (lazy)',
    ],
  },
};

/** Files of src/ itself. `errors.ts`, its other parts, `fail-point.ts` and `root.ts` may be imported by all; the entry files only start others. */
export const PROGRAM = {
  shared: ['errors.ts', 'errors-cluster.ts', 'errors-docker.ts', 'errors-lease.ts', 'fail-point.ts', 'root.ts'],
  entries: ['main.ts', 'cli.ts'],
  entriesMay: ['output', 'model'],
} as const;

/** Folders below a topic folder of commands belong to `commands`; generated code belongs to the room that generates it. */
export const roomOf = (file: string): string => {
  const folder = file.split('/').slice(0, -1).join('/');
  if (folder === 'etcd-client/gen') return 'etcd-client';
  return folder.startsWith('commands/') ? 'commands' : folder;
};

/** What only `system` rooms (and src/root.ts) may import. */
export const SYSTEM_MODULES = ['node:child_process', 'node:fs', 'node:fs/promises', 'execa', 'koffi'] as const;

/** Packages too slow to load for a command that does not need them: never in a command's static imports, however deep. */
export const HEAVY = [
  'execa',
  'inquirer',
  'koffi',
  'etcd3',
  '@grpc/grpc-js',
  '@bufbuild/protobuf',
  '@peculiar/x509',
] as const;

/** Lines of a file, of a function, of a command; parameters of a function. Tests and benchmarks keep only the first. */
export const LIMITS = { file: 250, function: 60, command: 80, parameters: 4 } as const;

/** The table as docs/DESIGN.md shows it. */
export function roomsTable(): string {
  const rows = Object.entries(ROOMS).map(
    ([name, room]) => `| ${name} | ${room.about} | ${room.may.join(', ') || 'nothing'} | ${room.system ? 'yes' : ''} |`,
  );
  return ['| room | what it is for | may import | system |', '|---|---|---|---|', ...rows].join('\n');
}
