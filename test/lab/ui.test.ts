import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { nodeEnvironment, onNode } from '../../src/lab/index.ts';
import { packageRoot } from '../../src/root.ts';
import { holdsItsSchemas, holdToSchema } from '../support/held.ts';
import { useLab } from '../support/lab.ts';
import { until } from '../support/until.ts';

describe('tsflannel ui, in a browser', () => {
  const test = useLab({ name: 'lab-ui', size: 3 });

  /** Starts the command on n1; resolves to the address it prints, and to what ends it. */
  async function startUi() {
    const node = test.node(1);
    const [program, ...args] = onNode(node, ['tsflannel', 'ui', '--port', '0', '--json']);
    const child = spawn(program, args, { env: nodeEnvironment(test.lab, node), stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = text(child.stdout);
    let said = '';
    child.stderr.on('data', (part) => {
      said += part;
    });
    const urlOf = () => /http:\/\/\S+/.exec(said)?.[0];
    await until('the address of the page', () => urlOf() !== undefined);
    return {
      url: urlOf() ?? '',
      async end() {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        const [code] = await exit;
        holdToSchema([program, ...args], await printed);
        return code;
      },
    };
  }

  it('shows nodes, map, routes and events; follows keys; asks nobody but itself', async () => {
    const ui = await startUi();
    const browse = join(packageRoot(), 'test', 'support', 'browse.ts');
    const { stdout } = await test.run(1, process.execPath, browse, ui.url, join(test.node(1).dir, 'browser'));
    const seen = JSON.parse(stdout);
    assert.match(seen.state, /^ok: 172\.17\.\d+\.0\/24 of 172\.17\.0\.0\/16, vxlan over eth0/);
    assert.deepEqual([seen.nodes, seen.links, seen.held, seen.cells], [3, 2, 3, 256]);
    assert.match(seen.rows.join('\n'), /n2\s+172\.17\.\d+\.0\/24\s+198\.18\.0\.2\s+vxlan/);
    assert.match(seen.events.join('\n'), /ready 172\.17/);
    assert.match(seen.chosen, /^n[23]$/);
    assert.notEqual(seen.colors.light, seen.colors.dark);
    assert.equal(seen.colors.turned, seen.colors.light);
    assert.deepEqual(seen.origins, [new URL(ui.url).origin]);
    assert.deepEqual(seen.faults, []);
    assert.equal(await ui.end(), 0);
  }).timeout(600_000);

  holdsItsSchemas('ui');
});
