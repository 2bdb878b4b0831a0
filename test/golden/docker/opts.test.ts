/** opts.json: what mk-docker-opts.sh of flannel v0.28.9 wrote under dash for these arguments, environments and files. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { renderDockerOpts } from '../../../src/docker/options.ts';
import { parseSubnetEnvKeys } from '../../../src/model/subnet-env.ts';

interface Case {
  readonly name: string;
  readonly args: string[];
  readonly environment: Record<string, string>;
  readonly subnetEnv: string;
  readonly output: string;
}

const options = {
  individual: { type: 'boolean', short: 'i', default: false },
  combined: { type: 'boolean', short: 'c', default: false },
  omit: { type: 'boolean', short: 'm', default: false },
  key: { type: 'string', short: 'k', default: 'DOCKER_OPTS' },
} as const;

const cases: Case[] = JSON.parse(await readFile(new URL('opts.json', import.meta.url), 'utf8'));

describe("docker opts: mk-docker-opts.sh's bytes", () => {
  for (const { name, args, environment, subnetEnv, output } of cases)
    it(name, () => {
      const { values } = parseArgs({ args, options });
      const env = parseSubnetEnvKeys(subnetEnv, 'subnet.env');
      assert.ok(env.ok);
      const { individual, combined, key } = values;
      assert.equal(
        renderDockerOpts(env.value, { individual, combined, key, ipMasq: !values.omit }, environment),
        output,
      );
    });
});
