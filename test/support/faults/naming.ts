/** Tests that `doctor` names a fault while it is there and no longer, and that `status` leads to it. */
import assert from 'node:assert/strict';
import type { Ran } from '../../../src/lab/index.ts';
import { slowBefore } from '../hooks.ts';
import { runOn, type TestLab, useLab } from '../lab.ts';
import { killDaemon, statusOf, upAgain } from '../lab-daemon.ts';
import { until } from '../until.ts';
import type { Backend, Fault, Scene } from './fault.ts';

interface Finding {
  readonly id: string;
  readonly result: 'ok' | 'warn' | 'fail' | 'skip';
  readonly evidence: string;
  readonly fix: readonly string[];
}

/** Longer than anything takes that is asked for here, on a busy machine too: doctor gives each look 1.5 s, in which Docker may not answer there. */
const PATIENCE_MS = 180_000;

const isNamed = (fault: Fault, { result, evidence }: Finding): boolean =>
  (result === 'warn' || result === 'fail') && (fault.says?.test(evidence) ?? true);

/** What a user reads: the verdict in line one, by exit status too, and where to go on. */
function leadsOn({ exit, stdout }: Ran): void {
  const verdict = exit === 0 ? /^ok: .*, with \d+ warning/ : exit === 8 ? /^degraded: / : /^down: /;
  assert.match(stdout, verdict);
  assert.match(stdout, /tsflannel doctor says why/);
}

/** Node 2 of a lab of three, with its peers asked every second. */
export function useFaults(spec: { readonly name: string; readonly backend: Backend; readonly docker?: boolean }) {
  // Faults name subnets of nobody.
  const lab: TestLab = useLab({ ...spec, size: 3, range: ['172.17.100.0', '172.17.198.0'] });
  let scene: Scene;
  let former: Fault | undefined;
  /** Rows that an earlier fault has shown. */
  const told = new Set<string>();

  async function doctor(): Promise<ReadonlyMap<string, Finding>> {
    const { stdout } = await runOn(lab.lab, lab.node(2), ['tsflannel', 'doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    return new Map(findings.map((one) => [one.id, one]));
  }

  const failed = async () => [...(await doctor()).values()].filter(({ result }) => result === 'fail');

  const isGone = (fault: Fault | undefined, now: Fault, seen: ReadonlyMap<string, Finding>): boolean => {
    const finding = fault && fault.check !== now.check ? seen.get(fault.check) : undefined;
    return !fault || !finding || !isNamed(fault, finding);
  };

  /** Named while it is there, and the one before it no more: either may take a moment to show. */
  async function named(fault: Fault, before: Fault | undefined): Promise<void> {
    let seen: ReadonlyMap<string, Finding> = new Map();
    const isTold = async () => {
      seen = await doctor();
      const now = seen.get(fault.check);
      return now !== undefined && isNamed(fault, now) && now.fix.length > 0 && isGone(before, fault, seen);
    };
    await until(fault.name, isTold, PATIENCE_MS).catch((error: Error) => {
      const told = [fault, before].map((one) => JSON.stringify(one && seen.get(one.check)));
      assert.fail(`${error.message}: ${told.join('; before: ')}`);
    });
  }

  /** Resolves when that row of `status`, as a user reads it, tells of something (what doctor says too: of this fault), or (`told` false) of nothing. */
  async function row(name: string, told: boolean, fault?: Fault): Promise<void> {
    const isOfIt = (line: string): boolean =>
      name !== 'host' || !fault || line.includes(` ${fault.check}: `) || (fault.says?.test(line) ?? false);
    let seen: Ran = { exit: 0, stdout: '', stderr: '' };
    const isSo = async () => {
      seen = await runOn(lab.lab, lab.node(2), ['tsflannel', 'status']);
      const line = seen.stdout.split('\n').find((one) => one.startsWith(`${name} `));
      if (line === undefined) return false;
      const isTold = /^[\w. ]+? (?:degraded|down) |^[\w. ]+? ok +warning: /.test(line);
      return isTold === told && (!told || isOfIt(line));
    };
    await until(`status row ${name} ${told ? 'tells' : 'is ok'}`, isSo, PATIENCE_MS).catch((error: Error) =>
      assert.fail(`${error.message}:\n${seen.stdout}${seen.stderr}`),
    );
    if (told) leadsOn(seen);
  }

  async function tried(fault: Fault): Promise<void> {
    const [before, { status }] = [former, fault];
    former = fault;
    const name = typeof status === 'string' ? status : undefined;
    if (name !== undefined && told.has(name)) await row(name, false);
    await fault.inject(scene);
    try {
      await Promise.all([named(fault, before), name !== undefined && row(name, true, fault)]);
      if (name !== undefined) told.add(name);
    } finally {
      await fault.undo(scene);
    }
  }

  slowBefore(2 * PATIENCE_MS, async () => {
    const numbers = [1, 2, 3];
    await restart('--ask-peers-every', '1s');
    const subnets = await Promise.all(numbers.map(async (one) => (await statusOf(lab, one)).node?.subnet ?? ''));
    scene = { ...lab, lab: lab.lab, backend: spec.backend, subnets };
    await until('no failure', async () => (await failed()).length === 0, PATIENCE_MS);
  });

  async function restart(...flags: string[]): Promise<void> {
    await killDaemon(lab.node(2));
    await upAgain(lab, 2, ...flags);
  }

  return {
    lab,
    failed,
    restart,
    row,
    subnets: () => scene.subnets,
    itNames(...faults: readonly Fault[]): void {
      for (const fault of faults.filter(({ on = ['vxlan'] }) => on.includes(spec.backend)))
        it(`${fault.check}: ${fault.name}`, () => tried(fault)).timeout(3 * PATIENCE_MS);
    },
  };
}
