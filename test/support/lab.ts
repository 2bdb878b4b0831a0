/** Labs for tests: brought up before, taken down after, and the root namespace as it was: that is the last check of each. */
import assert from 'node:assert/strict';
import { type Lab, type LabNode, type LabSpec, labDown, labUp, mustRun, type Ran } from '../../src/lab/index.ts';
import { difference, type Snapshot, snapshot } from './leaks.ts';

/** A folder of its own: a user's labs are left alone. */
export const TEST_LABS = '/run/tsflannel-test';

const SMALL: LabSpec = {
  ...{ name: 'test', size: 2, backend: 'vxlan', network: '172.17.0.0/16' },
  ...{ etcdMembers: 1, discovery: false, docker: false, bare: false },
};

export interface TestLab {
  readonly lab: Lab;
  /** The nth node, from 1. */
  node(number: number): LabNode;
  /** Runs a command that must succeed on the nth node. */
  run(number: number, ...argv: string[]): Promise<Ran>;
}

/** Registers mocha hooks that make a lab of this spec around the tests of a describe block. */
export function useLab(change: Partial<LabSpec> & { readonly name: string }): TestLab {
  const spec = { ...SMALL, ...change };
  const mine = new RegExp(
    `\\b${spec.name}-(underlay|n\\d+)|${TEST_LABS}/${spec.name}\\b|TSFLANNEL_LAB=${spec.name}\\b`,
  );
  let lab: Lab | undefined;
  let before: Snapshot = {};
  const current = (): Lab => {
    assert.ok(lab, 'the lab is not up');
    return lab;
  };
  const node = (number: number): LabNode => {
    const found = current().nodes[number - 1];
    assert.ok(found, `there is no node ${number}`);
    return found;
  };
  beforeHook(async () => {
    await labDown(spec.name, TEST_LABS);
    before = await snapshot({ mine, dirs: [`${TEST_LABS}/${spec.name}`] });
    lab = await labUp(spec, TEST_LABS);
  });
  afterHook(async () => {
    await labDown(spec.name, TEST_LABS);
    const after = await snapshot({ mine, dirs: [`${TEST_LABS}/${spec.name}`] });
    assert.equal(difference(before, after), '', 'the lab left something');
  });
  return {
    get lab() {
      return current();
    },
    node,
    run: (number, ...argv) => mustRun(current(), node(number), argv),
  };
}

/** Bringing up a lab with three dockerds takes a while on a small machine. */
const HOOK_MS = 180_000;

function beforeHook(work: () => Promise<void>): void {
  before(async function () {
    this.timeout(HOOK_MS);
    await work();
  });
}

function afterHook(work: () => Promise<void>): void {
  after(async function () {
    this.timeout(HOOK_MS);
    await work();
  });
}
