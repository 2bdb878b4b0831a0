/** What reads the env file: a shell that sources it, and systemd's EnvironmentFile. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { mergeEnvFile } from '../../../src/docker/env-file.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { parseSubnetEnv, renderSubnetEnv } from '../../../src/model/subnet-env.ts';

const KEY = 'DOCKER_OPTS';
const OURS = ' --bip=10.1.74.1/24 --ip-masq=true --mtu=1472';
const TEXT = 'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n';

const parsed = parseSubnetEnv(TEXT, 'subnet.env');
assert.ok(parsed.ok);
const env = parsed.value;

/** As systemd.exec(5) has it, of what we write: a name, and a value between double quotes in which nothing has a meaning. */
const bySystemd = (text: string): string | undefined =>
  text
    .split('\n')
    .findLast((line) => line.startsWith(`${KEY}=`))
    ?.match(/^\w+="([^"\\$`]*)"$/)?.[1];

/** Words as they stand in such files, plain and hostile. */
const word = fc.oneof(
  fc.constantFrom(
    '--debug',
    '-H',
    'unix:///x',
    '--label=a=b',
    '--log-opt',
    'max-size=10m',
    '*',
    '~',
    ';',
    '&',
    '#x',
    '!',
  ),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }).filter((text) => !/\s/.test(text)),
);

describe('docker: the env file', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'env-file-'));
  });
  after(() => rm(dir, { recursive: true }));

  async function bySh(text: string, key: string): Promise<string> {
    const file = join(dir, 'env');
    await writeFile(file, text);
    const script = `. ${file}; printf %s "$${key}"`;
    return (await execa('env', ['-i', '/bin/sh', '-c', script], { stripFinalNewline: false })).stdout;
  }

  /** The merged file; `undefined` where it was refused, for what only a shell can understand. */
  function merged(before: string | undefined): string | undefined {
    try {
      return mergeEnvFile(before, KEY, env, 'open');
    } catch (error) {
      assert.ok(error instanceof TsflannelError && error.code === 'DOCKER_CONFIG', String(error));
      return undefined;
    }
  }

  it('a new one says the same to a shell and to systemd', async () => {
    const text = merged(undefined) ?? '';
    assert.equal(await bySh(text, KEY), OURS);
    assert.equal(bySystemd(text), OURS);
  });

  it('one that is there gives every other option back, to the letter, or is refused', async () => {
    let refused = 0;
    const words = fc.array(word, { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(words, fc.constantFrom('"', "'"), async (kept, quote) => {
        const text = merged(`# mine\nOTHER=1\n${KEY}=${quote}${kept.join(' ')}${quote}\n`);
        if (text === undefined) return void refused++;
        const value = [...kept, OURS.trim()].join(' ');
        assert.equal(bySystemd(text)?.trim().replace(/ +/g, ' '), value);
        assert.equal((await bySh(text, KEY)).trim().replace(/ +/g, ' '), value);
        assert.equal(await bySh(text, 'OTHER'), '1');
      }),
      { numRuns: 60 },
    );
    assert.ok(refused < 60, 'all were refused');
  });

  it('subnet.env, sourced, has what was written', async () => {
    assert.equal(renderSubnetEnv(env), TEXT);
    for (const line of TEXT.trim().split('\n')) {
      const [key = '', value] = line.split('=');
      assert.equal(await bySh(TEXT, key), value);
    }
  });
});
