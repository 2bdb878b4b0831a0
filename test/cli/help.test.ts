import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest } from '../../scripts/build.ts';
import { packageRoot } from '../../src/root.ts';
import { golden } from '../support/golden.ts';
import { commandOf, commands, flagsIn, inTurn, tsflannel } from '../support/program.ts';

describe('the commands', () => {
  it('are those of the manifest, which is up to date', async () => {
    const file = readFileSync(join(packageRoot(), 'oclif.manifest.json'), 'utf8');
    assert.equal(file, await manifest(), 'run: npm run build');
  });

  it('each say what they do, with examples that can be typed', () => {
    for (const { id, description, examples, flags } of commands) {
      assert.ok(description && /[.)]$/.test(description), id);
      assert.ok(flags.json, `${id} has no --json`);
      assert.ok(
        examples.some((example) => example.includes(`<%= config.bin %> ${id}`)),
        `${id} has no example`,
      );
      for (const example of examples) {
        const words = /<%= config\.bin %> (.*?)(?:\s(?:--|[|>;&])\s.*)?$/s.exec(example)?.[1] ?? '';
        const command = commandOf(words);
        assert.ok(command, `${id}: ${example}`);
        for (const flag of flagsIn(words))
          assert.ok(command.flags[flag] ?? command.flags[flag.replace(/^no-/, '')], `${command.id} has no --${flag}`);
      }
    }
  });

  it('have the help that is written down for each', async () => {
    await inTurn(commands, async ({ id }) => {
      const { stdout, stderr, exitCode } = await tsflannel([...id.split(' '), '--help'], {
        TSFLANNEL_ETCD_PASSWORD: 'canary',
      });
      assert.deepEqual([exitCode, stderr], [0, ''], id);
      assert.doesNotMatch(stdout, /\x1b|canary/);
      await golden(`help/${id.replaceAll(' ', '-')}.txt`, `${stdout}\n`);
    });
  }).timeout(240_000);

  it('are listed by the program and by each topic', async () => {
    const { stdout } = await tsflannel(['--help']);
    for (const id of new Set(commands.map((command) => command.id.split(' ')[0] ?? '')))
      assert.match(stdout, new RegExp(`^  ${id}\\s`, 'm'));
  });
});
