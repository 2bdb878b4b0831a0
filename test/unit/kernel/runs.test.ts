import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { applyInRuns, type Lane } from '../../../src/kernel/runs.ts';
import type { KernelObject, Step } from '../../../src/kernel/state.ts';
import { address, chain, jump, neighbour, route, sysctl, vxlan } from '../../contract/kernel/objects.ts';

const step = (object: KernelObject, action: Step['action'] = 'create'): Step => ({
  action,
  object,
  because: 'the test',
});

/** A lane that notes its runs and refuses the kinds named. */
function noting(refused: readonly string[] = []) {
  const runs: string[][] = [];
  const lane: Lane = async (steps) => {
    runs.push(steps.map(({ object }) => object.kind));
    return steps.map(({ object }) => (refused.includes(object.kind) ? 'no' : undefined));
  };
  return { runs, lane };
}

describe('kernel/runs', () => {
  it('hands consecutive steps of one lane over together, in order', async () => {
    const [a, b] = [noting(), noting()];
    const plan = [vxlan(), address(), sysctl('1'), route(), neighbour()].map((object) => step(object));
    await applyInRuns(plan, ({ kind }) => (kind === 'sysctl' ? b.lane : a.lane));
    assert.deepEqual(
      [a.runs, b.runs],
      [
        [
          ['link', 'address'],
          ['route', 'neighbour'],
        ],
        [['sysctl']],
      ],
    );
  });

  it('says for each step what became of it, in the order of the plan', async () => {
    const { lane } = noting(['address']);
    const other = noting();
    const plan = [step(sysctl('1'), 'blocked'), step(address()), step(sysctl('1'))];
    const outcomes = await applyInRuns(plan, ({ kind }) => (kind === 'address' ? lane : other.lane));
    assert.deepEqual(
      outcomes.map(({ result, error }) => [result, error]),
      [
        ['skipped', undefined],
        ['failed', 'no'],
        ['done', undefined],
      ],
    );
  });

  it('skips what hangs on a failed device or chain, but removes all the same', async () => {
    const failing = noting(['link', 'chain']);
    const fine = noting();
    const plan = [step(vxlan()), step(chain()), step(route()), step(jump()), step(neighbour(), 'remove')];
    const outcomes = await applyInRuns(plan, ({ kind }) =>
      kind === 'link' || kind === 'chain' ? failing.lane : fine.lane,
    );
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      ['failed', 'failed', 'skipped', 'skipped', 'done'],
    );
    assert.deepEqual(fine.runs, [['neighbour']]);
  });

  it('turns a lane that throws into failed steps with its reason', async () => {
    const lane: Lane = async () => {
      throw new TsflannelError('TOOL_MISSING', { tool: 'nft', detail: 'PATH has none', package: 'nftables' });
    };
    const outcomes = await applyInRuns([step(chain()), step(jump())], () => lane);
    for (const { result, error } of outcomes) {
      assert.equal(result, 'failed');
      assert.match(error ?? '', /nft was not found: PATH has none/);
    }
  });
});
