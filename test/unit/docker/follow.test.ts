/** `up --docker` on an apply that is only told of: when it is called, and what status says meanwhile. */
import assert from 'node:assert/strict';
import { followLease } from '../../../src/docker/follow.ts';
import { type ErrorCode, errorOf } from '../../../src/errors.ts';
import { createTestClock, settle } from '../../support/clock.ts';

const A = '172.17.57.0/24 1450 true';
const B = '172.17.58.0/24 1450 true';

/** A Docker that has `has`, or fails with `fails` unless it has what is wanted already. */
function rig() {
  const clock = createTestClock();
  const docker = { has: '', fails: undefined as ErrorCode | undefined, gate: Promise.resolve() };
  const applied: string[] = [];
  const log: string[] = [];
  const follower = followLease({
    clock,
    log: (event) => log.push(event),
    async apply({ dryRun, expected = '' }, signal) {
      applied.push(dryRun ? `look ${expected}` : expected);
      await docker.gate;
      if (signal.aborted) throw errorOf('ABORTED', {});
      const changed = docker.has !== expected;
      if (changed && docker.fails) throw errorOf(docker.fails, { detail: 'so it is', containers: 'web' });
      if (changed && !dryRun) docker.has = expected;
      return { changed, change: '', containers: [] };
    },
  });
  return { clock, docker, applied, log, follower };
}

describe('docker/follow', () => {
  it('applies a lease once, and the next one', async () => {
    const { clock, docker, applied, log, follower } = rig();
    assert.equal(follower.check().state, 'degraded');
    for (const env of [A, A, A]) follower.leased(env);
    await clock.advance(100_000);
    follower.leased(B);
    await clock.advance(100_000);
    assert.deepEqual(applied, [A, B]);
    assert.deepEqual(log, ['docker-switched', 'docker-switched']);
    assert.equal(docker.has, B);
    assert.equal(follower.check().state, 'ok');
    assert.equal(clock.pending(), 0);
  });

  it('says nothing of a Docker that has it already, and leaves one that somebody reverts', async () => {
    const { clock, docker, applied, log, follower } = rig();
    docker.has = A;
    follower.leased(A);
    await clock.advance(100_000);
    docker.has = '';
    follower.leased(A);
    follower.look();
    await clock.advance(100_000);
    assert.deepEqual([applied, log], [[A], []]);
  });

  for (const code of ['DOCKER_NOT_FOUND', 'DOCKER_NOT_RUNNING', 'SUBNET_ENV_MISSING', 'DOCKER_LIVE_RESTORE'] as const)
    it(`tries again where nothing was touched: ${code}`, async () => {
      const { clock, docker, applied, log, follower } = rig();
      docker.fails = code;
      follower.leased(A);
      await clock.advance(60_000);
      const { state, detail } = follower.check();
      assert.equal(state, 'degraded');
      assert.match(detail, code === 'DOCKER_LIVE_RESTORE' ? /try: .*--stop-containers/ : /so it is/);
      assert.ok(applied.length > 2);
      assert.deepEqual(log, ['docker-failed']);
      docker.fails = undefined;
      await clock.advance(60_000);
      assert.equal(docker.has, A);
      assert.equal(follower.check().state, 'ok');
    });

  it('restarts Docker in vain once only, until the lease changes', async () => {
    const { clock, docker, applied, follower } = rig();
    docker.fails = 'DOCKER_FAILED';
    follower.leased(A);
    await clock.advance(65_000);
    assert.deepEqual(applied, [A, `look ${A}`, `look ${A}`]);
    assert.equal(follower.check().state, 'degraded');
    docker.fails = undefined;
    await clock.advance(65_000);
    assert.equal(docker.has, '');
    follower.leased(B);
    await settle();
    assert.equal(docker.has, B);
  });

  it('sees at once that somebody has put it right', async () => {
    const { clock, docker, follower } = rig();
    docker.fails = 'DOCKER_FAILED';
    follower.leased(A);
    await clock.advance(1_000);
    docker.has = A;
    follower.look();
    await settle();
    assert.equal(follower.check().state, 'ok');
    assert.equal(clock.pending(), 0);
  });

  it('goes on to a lease that came meanwhile', async () => {
    const { docker, applied, follower } = rig();
    const open = Promise.withResolvers<void>();
    docker.gate = open.promise;
    follower.leased(A);
    await settle();
    follower.leased(B);
    open.resolve();
    await settle();
    assert.deepEqual(applied, [A, B]);
    assert.equal(follower.check().state, 'ok');
  });

  it('ends with what is under way broken off, and does nothing after', async () => {
    const { clock, docker, applied, log, follower } = rig();
    const open = Promise.withResolvers<void>();
    docker.gate = open.promise;
    follower.leased(A);
    await settle();
    const closed = follower.close();
    open.resolve();
    await closed;
    follower.leased(B);
    await clock.advance(100_000);
    assert.deepEqual([applied, log, docker.has, clock.pending()], [[A], [], '', 0]);
  });
});
