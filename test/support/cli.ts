/** The program as typed, against an etcd on loopback; nothing of this machine's own settings counts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/root.ts';
import { holdToSchema } from './held.ts';

export interface Typed {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What `--json` printed. */
  readonly json: () => Record<string, unknown>;
  /** Code of the error that `--json` printed. */
  readonly code: () => string;
}

export interface Typist {
  /** Folder for the command's files. */
  readonly dir: string;
  type(...argv: string[]): Promise<Typed>;
  close(): void;
}

/** `endpoint` is where every command finds etcd. */
export function openTypist(endpoint: string, prefix: string): Typist {
  const dir = mkdtempSync(join(tmpdir(), prefix));
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: dir,
    TSFLANNEL_CONFIG_DIR: join(dir, 'etc'),
    TSFLANNEL_RUN_DIR: join(dir, 'run'),
    TSFLANNEL_DATA_DIR: join(dir, 'etcd'),
    TSFLANNEL_ETCD_ENDPOINTS: endpoint,
  };
  return {
    dir,
    async type(...argv) {
      const options = { env, extendEnv: false, reject: false, stdin: 'ignore', timeout: 180_000 } as const;
      const program = join(packageRoot(), 'bin', 'tsflannel');
      const { exitCode, stdout, stderr } = await execa(program, argv, options);
      holdToSchema(['tsflannel', ...argv], stdout);
      const json = () => JSON.parse(stdout) as Record<string, unknown>;
      return { exit: exitCode ?? -1, stdout, stderr, json, code: () => (json().error as { code: string }).code };
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}
