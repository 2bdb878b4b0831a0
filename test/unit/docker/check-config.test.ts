/** The check of a configuration by dockerd itself, on programs that answer as the dockerds before and after 23.0 do. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConfig } from '../../../src/docker/check-config.ts';

describe('docker/check-config', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-check-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** A dockerd that notes its arguments and says this; where it has no --validate it says so first. */
  async function dockerd(says: string, exit: number, validates: boolean): Promise<string> {
    const file = join(dir, 'dockerd');
    const refuses = 'case "$*" in *--validate*) echo "unknown flag: --validate" >&2; exit 125;; esac';
    const lines = [
      '#!/bin/sh',
      `echo "$*" >> ${dir}/asked`,
      validates ? '' : refuses,
      `echo "${says}" >&2`,
      `exit ${exit}`,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    await chmod(file, 0o755);
    return file;
  }
  const check = (exe: string) =>
    checkConfig(exe, ['dockerd', '-D', '--config-file=/x.json'], '/x.json', '{"bip": "10.1.74.1/24"}');
  const asked = async () => (await readFile(join(dir, 'asked'), 'utf8')).trimEnd().split('\n');
  const BOTH =
    'unable to configure the Docker daemon with file: the following directives are specified both as a flag and in the file: mtu';

  it('--validate says that all is well', async () => {
    await check(await dockerd('configuration OK', 0, true));
    const [line = '', ...more] = await asked();
    assert.match(line, /^-D --config-file=\S+ --validate$/);
    assert.doesNotMatch(line, /x\.json/);
    assert.deepEqual(more, []);
  });

  it('--validate says what is wrong', async () => {
    await assert.rejects(check(await dockerd(BOTH, 1, true)), { code: 'DOCKER_CONFIG', why: /both as a flag.*mtu/ });
  });

  it('without --validate a start that cannot get far says it', async () => {
    await assert.rejects(check(await dockerd(BOTH, 1, false)), { code: 'DOCKER_CONFIG', why: /both as a flag.*mtu/ });
    assert.match((await asked())[1] ?? '', /--data-root=\/dev\/null\/none/);
    await check(await dockerd('failed to start daemon: mkdir /dev/null: not a directory', 1, false));
  });
});
