import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool, tryTool } from '../../../../src/kernel/linux/tool.ts';

describe('kernel/linux: programs', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsflannel-tool-'));
  after(() => rmSync(dir, { recursive: true }));
  const program = (name: string, script: string, mode = 0o755): string => {
    const path = join(dir, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, mode);
    return path;
  };
  const fails = (code: string, detail: RegExp) => (error: unknown) => {
    const { code: told, why } = error as { code: string; why: string };
    assert.deepEqual([told, detail.test(why)], [code, true], why);
    return true;
  };

  it('any exit status is a result, and input that is not read no failure', async () => {
    const liar = program('liar', 'echo no >&2; exit 3');
    assert.deepEqual(await tryTool(liar, [], { input: 'x'.repeat(1 << 20) }), {
      ...{ exitCode: 3, stdout: '', stderr: 'no\n' },
    });
    await assert.rejects(runTool(liar, []), fails('TOOL_FAILED', /no/));
  });

  it('one that hangs is killed, with all that waits for its output', async () => {
    const begun = performance.now();
    const hung = tryTool(program('hung', 'sleep 60'), [], { patienceMs: 100 });
    await assert.rejects(hung, fails('TOOL_FAILED', /did not end in 0.1 s/));
    assert.ok(performance.now() - begun < 30_000);
  });

  it('one that is killed, cannot be started or is not there has no exit status', async () => {
    await assert.rejects(tryTool(program('killed', 'kill -9 $$'), []), fails('TOOL_FAILED', /SIGKILL/));
    await assert.rejects(tryTool(program('plain', '', 0o644), []), fails('TOOL_FAILED', /EACCES/));
    await assert.rejects(tryTool(join(dir, 'none'), []), fails('TOOL_MISSING', /./));
  });
});
