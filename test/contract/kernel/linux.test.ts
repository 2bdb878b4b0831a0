/** The contract on the real kernel, in a namespace of its own: this file runs itself again inside it. Needs root. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readlinkSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { linuxKernel } from '../../../src/kernel/linux/linux.ts';
import { addNamespace, deleteNamespace, listNamespaces, nsenterArgs } from '../../../src/kernel/linux/netns.ts';
import { difference, snapshot } from '../../support/leaks.ts';
import { linuxDetails } from './linux-details.ts';
import { PATHS } from './objects.ts';
import { run, stranger } from './stranger.ts';
import { kernelContract } from './suite.ts';

const INSIDE = 'TSFLANNEL_TEST_INSIDE_NAMESPACE';

async function open() {
  await run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0');
  for (const name of ['eth0', 'peer0']) await run('ip', 'link', 'set', name, 'up');
  await run('ip', 'address', 'add', '10.200.0.1/24', 'dev', 'eth0');
  const kernel = linuxKernel();
  return {
    kernel,
    ...stranger,
    async close() {
      await kernel.close();
      await stranger.clean();
      await rm(dirname(dirname(PATHS[0]!)), { recursive: true, force: true });
    },
  };
}

/** The suite sweeps the namespace it is in, so it must be the one that was made for it. */
const isIn = (name: string | undefined): boolean =>
  name !== undefined && readlinkSync('/proc/self/ns/net') === `net:[${statSync(`/run/netns/${name}`).ino}]`;

if (isIn(process.env[INSIDE])) {
  kernelContract('linux', open);
  linuxDetails(open);
} else {
  describe('kernel contract: linux', () => {
    it('holds in a namespace of its own, and leaves nothing behind', async function () {
      this.timeout(900_000);
      const name = `kern-${randomBytes(4).toString('hex')}`;
      const [program = '', ...enter] = nsenterArgs(name);
      const mocha = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'));
      await addNamespace(name);
      try {
        const before = await snapshot({ namespace: name });
        const argv = [...enter, process.execPath, mocha, '--reporter', 'dot', fileURLToPath(import.meta.url)];
        const { exitCode, all } = await execa(program, argv, { env: { [INSIDE]: name }, all: true, reject: false });
        assert.equal(exitCode, 0, all);
        assert.equal(difference(before, await snapshot({ namespace: name })), '');
      } finally {
        await deleteNamespace(name);
      }
      assert.ok(!(await listNamespaces()).includes(name));
    });
  });
}
