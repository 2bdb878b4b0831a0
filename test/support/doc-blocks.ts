/**
 * Every block of commands in README and docs/, and what runs it. The lab of test/lab/docs.test.ts types blocks in the order of STORY; others have
 * a test of their own, and what cannot be run on one machine says why.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';

/** docs/commands.md is made of the commands' own examples, which test/cli/help.test.ts holds against their flags. */
export const PAGES = [
  'README.md',
  'README.zh-CN.md',
  ...globSync('docs/*.md', { cwd: packageRoot() }).filter((page) => page !== 'docs/commands.md'),
].sort();

export interface Block {
  readonly page: string;
  /** Of its first line, from 1. */
  readonly at: number;
  readonly lines: readonly string[];
}

/** Blocks by indent or fence. */
export function blocksOf(page: string): Block[] {
  const found: { page: string; at: number; lines: string[] }[] = [];
  let fenced = false;
  let open: string[] | undefined;
  const text = readFileSync(join(packageRoot(), page), 'utf8').split('\n');
  text.forEach((line, i) => {
    if (line.startsWith('```')) fenced = !fenced;
    const isCode = !line.startsWith('```') && (fenced || (/^ {4}\S/.test(line) && (open || text[i - 1] === '')));
    if (!isCode) {
      open = undefined;
      return;
    }
    if (!open) {
      open = [];
      found.push({ page, at: i + 1, lines: open });
    }
    open.push(line.trim());
  });
  return found;
}

/** Without `sudo` and what stands behind #. */
export const typed = (line: string): string => line.replace(/^sudo /, '').replace(/\s+#\s.*$/, '');

/** One block of the story, by its first line. */
export interface Step {
  readonly page: string;
  readonly first: string;
  /** The node it is typed on. */
  readonly on: number;
  /** Lines that are not typed, and why. */
  readonly but?: Readonly<Record<string, string>>;
  /** Typed on a terminal, with Enter after these letters when it asks. */
  readonly answer?: string;
  /** Taken back at once, since later steps do not want it. */
  readonly after?: readonly string[];
}

const NO_FLANNELD = 'no flanneld runs in this lab';

/** In this order, on two bare nodes with Docker, the first of which has an etcd. */
export const STORY: readonly Step[] = [
  { page: 'README.md', first: 'tsflannel up --detach', on: 1 },
  { page: 'README.md', first: 'tsflannel join TOKEN', on: 2 },
  { page: 'README.md', first: 'tsflannel docker apply', on: 2, answer: 'y' },
  { page: 'docs/performance.md', first: 'tsflannel test connectivity', on: 1 },
  { page: 'docs/performance.md', first: 'tsflannel config get', on: 1 },
  { page: 'docs/performance.md', first: 'tsflannel top --once', on: 1 },
  { page: 'docs/troubleshooting.md', first: 'tsflannel status', on: 1 },
  { page: 'docs/host.md', first: 'tsflannel gateway enable', on: 1, after: ['tsflannel gateway disable'] },
  {
    page: 'docs/docker.md',
    first: 'tsflannel docker apply --docker0-length 25',
    on: 1,
    but: {
      'docker run -d --network web nginx': 'its image is in a registry; test/lab/docker/network.test.ts runs one',
    },
    answer: 'y',
    after: ['docker network rm web'],
  },
  { page: 'docs/docker.md', first: 'tsflannel docker opts --install /usr/local/bin/mk-docker-opts.sh', on: 1 },
  { page: 'README.md', first: 'tsflannel docker revert --yes', on: 1 },
  {
    page: 'docs/from-flanneld.md',
    first: 'systemctl stop flanneld',
    on: 1,
    but: { 'systemctl stop flanneld': NO_FLANNELD },
    after: ['tsflannel down'],
  },
  { page: 'docs/metrics.md', first: 'tsflannel up --metrics-addr 127.0.0.1:9101', on: 1, after: ['tsflannel down'] },
  {
    page: 'docs/metrics.md',
    first: 'tsflannel up --healthz-ip 127.0.0.1 --healthz-port 8471',
    on: 1,
    after: ['tsflannel down'],
  },
];

/** Blocks that a test of their own runs: line by line or (pages with prompts) as they stand. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'tsflannel init': 'test/lab/verbatim.test.ts',
  'tsflannel bench --server': 'test/lab/bench.test.ts',
  'tsflannel config import --from-v2 http://10.0.0.1:2379 --dry-run': 'test/lab/import-v2.test.ts',
  'tsflannel service install -- --ip-masq --iface eth1': 'test/lab/service.test.ts',
  'ln -sf "$(command -v tsflannel)" /usr/local/bin/flanneld': 'test/cli/flanneld.test.ts',
  'docs/three-nodes.md': 'test/lab/three-nodes.test.ts',
  'docs/etcd.md': 'test/lab/care-docs.test.ts',
};

/** What is no command, or is not for one machine and the time of a test. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  'sudo ./scripts/demo': 'it installs packages; test/lab/seed.test.ts does the same in a lab',
  'etcd watch frame -> parsed value or Rejection -> the view                  store/': 'a drawing',
  'sudo FLANNELD=/path/to/flanneld npm run bench -- data --write docs/benchmarks.md': 'it takes many minutes',
  'sudo tsflannel lab chaos --list                        # every fault': 'hours; test/chaos runs a choice',
  'git worktree add /tmp/former 6d720fe && ln -s $PWD/node_modules /tmp/former/node_modules': 'it needs the history',
  'tsflannel_ready == 0': 'queries for Prometheus',
  '{"time":"2026-03-01T08:15:30.123Z","level":"warn","event":"etcd-lost","detail":"etcd does not answer","code":"ETCD_UNREACHABLE"}':
    'a line of a log',
};
