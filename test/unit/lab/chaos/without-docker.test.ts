import assert from 'node:assert/strict';
import { runChaos } from '../../../../src/lab/chaos/index.ts';

describe('faults of Docker on a host without one', () => {
  const path = process.env.PATH;
  afterEach(() => {
    process.env.PATH = path;
  });

  it('are refused with the package that brings it, before a lab is made', async () => {
    process.env.PATH = '/nonexistent';
    const lab = { name: 'no-docker', labs: '/nonexistent', backend: 'vxlan', short: true, seed: 1, slack: 1 } as const;
    const run = runChaos({ ...lab, which: ['dockerd-restarted'], progress: () => undefined });
    await assert.rejects(run, { code: 'TOOL_MISSING', exit: 3, fix: ['apt-get install docker.io'] });
  });
});
