/** Labs for tests: brought up before, taken down after, and the root namespace as it was: that is the last check of each. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { dockerdPaths, importImage, LAB_IMAGE } from '../../src/lab/dockerd.ts';
import {
  type Lab,
  type LabNode,
  type LabSpec,
  labDown,
  labUp,
  mustRun,
  type Ran,
  runOn as run,
} from '../../src/lab/index.ts';
import { dockerDirOf } from '../../src/lab/node.ts';
import { holdToSchema } from './held.ts';
import { slowAfter, slowBefore } from './hooks.ts';
import { leftNothing, type Snapshot, snapshot } from './leaks.ts';

/** A folder of its own: a user's labs are left alone. */
export const TEST_LABS = '/run/tsflannel-test';

/** Runs a command on a node of a lab; what it prints by `--json` is held against its schema. */
export async function runOn(...[lab, node, argv, timeoutMs]: Parameters<typeof run>): Promise<Ran> {
  const ran = await run(lab, node, argv, timeoutMs);
  if (ran.exit !== KILLED) holdToSchema(argv, ran.stdout);
  return ran;
}
const KILLED = 137;

/** Two nodes, one etcd member, backend vxlan, no Docker: unless changed. */
export const labSpec = (change: Partial<LabSpec> & { readonly name: string }): LabSpec => ({
  ...{ size: 2, backend: 'vxlan', network: '172.17.0.0/16' },
  ...{ etcdMembers: 1, discovery: false, docker: false, bare: false },
  ...change,
});

/** What the machine shows of a lab of this name, seen from the root namespace, whose own network is in it too. */
export const showsOf = (name: string): Promise<Snapshot> =>
  snapshot({
    mine: new RegExp(`\\b${name}-(underlay|n\\d+)|(${TEST_LABS}/|TSFLANNEL_LAB=|tsflannel-lab/)${name}(?![\\w-])`),
    dirs: [join(TEST_LABS, name)],
  });

export interface TestLab {
  readonly lab: Lab;
  /** The nth node, from 1. */
  node(number: number): LabNode;
  /** Runs a command that must succeed on the nth node. */
  run(number: number, ...argv: string[]): Promise<Ran>;
}

/** Registers mocha hooks that make a lab of this spec around the tests of a describe block. */
export function useLab(change: Partial<LabSpec> & { readonly name: string }): TestLab {
  const spec = labSpec(change);
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
  slowBefore(HOOK_MS, async () => {
    await labDown(spec.name, TEST_LABS);
    before = await showsOf(spec.name);
    lab = await labUp(spec, TEST_LABS);
  });
  slowAfter(HOOK_MS, async () => {
    await labDown(spec.name, TEST_LABS);
    await leftNothing(before, () => showsOf(spec.name), 'the lab left something');
  });
  return {
    get lab() {
      return current();
    },
    node,
    async run(number, ...argv) {
      const ran = await runOn(current(), node(number), argv);
      assert.equal(ran.exit, 0, `n${number}: ${argv.join(' ')}\n${ran.stdout}\n${ran.stderr}`);
      return ran;
    },
  };
}

/** Bringing up a lab with three dockerds takes a while on a small machine. */
const HOOK_MS = 300_000;

/** Starts a container on the node's Docker; resolves to its address. */
export async function runContainer(lab: Lab, node: LabNode, name: string): Promise<string> {
  await importImage(dockerdPaths(dockerDirOf(node)));
  await mustRun(lab, node, ['docker', 'run', '-d', '--name', name, LAB_IMAGE, '/bin/busybox', 'sleep', '1000000']);
  const format = '{{.NetworkSettings.IPAddress}}';
  const { stdout } = await mustRun(lab, node, ['docker', 'inspect', '--format', format, name]);
  assert.match(stdout, /^\d+\.\d+\.\d+\.\d+$/);
  return stdout;
}
