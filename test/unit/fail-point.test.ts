import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execa } from 'execa';
import { FAIL_POINTS, failPoint, failPointsOf } from '../../src/fail-point.ts';
import { packageRoot } from '../../src/root.ts';

const run = (told: string, ...points: string[]) => {
  const code = `import { failPoint } from '${join(packageRoot(), 'src/fail-point.ts')}';
    for (const point of ${JSON.stringify(points)}) { failPoint(point); console.log(point); }`;
  return execa(process.execPath, ['--input-type=module', '-e', code], { env: { TSF_FAILPOINT: told }, reject: false });
};

describe('fail points', () => {
  it('do nothing unless told', () => {
    for (const point of FAIL_POINTS) failPoint(point);
  });

  it('throw at the point asked for, the time asked for, and once', () => {
    const reach = failPointsOf('file-written:throw:2');
    reach('file-written');
    reach('lease-claimed');
    assert.throws(() => reach('file-written'), /failed at file-written/);
    reach('file-written');
  });

  it('count every point under `any`', () => {
    const reach = failPointsOf('any:throw:2');
    reach('file-written');
    assert.throws(() => reach('lease-claimed'), /failed at lease-claimed/);
  });

  it('kill with -9, and say where', async () => {
    const { signal, stdout, stderr } = await run('link-made:kill', 'file-written', 'link-made', 'part-applied');
    assert.deepEqual([signal, stdout, stderr], ['SIGKILL', 'file-written', 'kill at link-made']);
  });

  it('let the process stand still for three seconds', async () => {
    const begun = performance.now();
    const { stdout } = await run('link-made:sleep', 'link-made', 'link-made');
    assert.ok(performance.now() - begun >= 3_000);
    assert.equal(stdout, 'link-made\nlink-made');
  });

  it('refuse what they do not know', () => {
    for (const text of [
      '',
      'link-made',
      'link-made:explode',
      'nowhere:kill',
      'any:kill:0',
      'any:kill:x',
      'any:kill:1:2',
    ])
      assert.throws(() => failPointsOf(text), { code: 'USAGE' }, text);
  });
});
