import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeUnborn } from '../../src/etcd/unborn.ts';
import { freePort } from '../support/etcd.ts';
import { etcdOf } from '../support/etcd-versions.ts';
import { until } from '../support/until.ts';

for (const series of ['3.4', '3.6'] as const)
  describe(`the log of a real etcd ${series}`, () => {
    /** Runs etcd until `there` is, then kills it; resolves to whether its member was unborn. */
    async function killedOnce(there: (dir: string, client: string) => boolean | Promise<boolean>): Promise<boolean> {
      const dir = mkdtempSync(join(tmpdir(), 'tsflannel-unborn-'));
      const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
      const args = [
        ...['--name', 'a', '--data-dir', dir, '--initial-cluster', `a=${peer}`],
        ...['--listen-client-urls', client ?? '', '--advertise-client-urls', client ?? ''],
        ...['--listen-peer-urls', peer ?? '', '--initial-advertise-peer-urls', peer ?? ''],
      ];
      const etcd = spawn(etcdOf(series), args, { stdio: 'ignore' });
      const ended = once(etcd, 'exit');
      try {
        await until('etcd has come so far', () => there(dir, client ?? ''));
        etcd.kill('SIGKILL');
        await ended;
        return await removeUnborn(dir);
      } finally {
        etcd.kill('SIGKILL');
        rmSync(dir, { recursive: true, force: true });
      }
    }

    it('is taken for one that has begun once it has a leader', async () => {
      const healthy = async (_: string, client: string) => {
        const reply = await fetch(`${client}/health`).catch(() => undefined);
        return reply?.ok === true && /"true"/.test(await reply.text());
      };
      assert.equal(await killedOnce(healthy), false);
    });

    it('is taken for one that holds nothing when it was killed over the making of it', async () => {
      let unborn = false;
      // How far it comes before the signal is not ours to say: once in some tries it has not begun.
      for (let attempt = 0; attempt < 30 && !unborn; attempt++)
        unborn = await killedOnce((dir) => existsSync(join(dir, 'member', 'wal')));
      assert.ok(unborn);
    });
  });
