import { CHECKS, commandOf, type Finding, healthOf } from '../doctor/doctor.ts';
import { TsflannelError } from '../errors.ts';
import { notice, type Result, TsflannelCommand } from '../output/command.ts';
import { confirm } from '../output/confirm.ts';
import { countsText, doctorCases, doctorText } from '../output/doctor.ts';
import { doctorFlags } from '../output/doctor-flags.ts';
import { junit } from '../output/junit.ts';
import { table } from '../output/table.ts';

export default class Doctor extends TsflannelCommand {
  static override summary = 'Look for what is wrong with this host, its network and etcd, and say what to type.';
  static override description =
    'Some seventy checks, each by itself, before `up` and after, in less than 3 s. Changes nothing unless --fix is given.\n' +
    'Exit status 0 nothing failed, 8 something did, 9 no daemon runs.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --check etcd-tcp --check forward',
    '<%= config.bin %> doctor --fix --yes',
    '<%= config.bin %> doctor --junit > doctor.xml',
  ];
  static override flags = doctorFlags;

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Doctor);
    const ids = flags.check ?? [];
    for (const id of ids) if (!CHECKS.some((one) => one.id === id)) throw new TsflannelError('CHECK_UNKNOWN', { id });
    if (flags.list) return listed(ids);
    const { doctorNow } = await import('../host/doctor.ts');
    const findings = await doctorNow(flags, ids);
    const exit = { ok: 0, degraded: 8, down: 9 }[healthOf(findings)];
    if (flags.fix) return fixed(findings, flags);
    const text = flags.junit
      ? junit('tsflannel doctor', doctorCases(findings))
      : doctorText(findings, flags.all || ids.length > 0);
    return { data: { state: healthOf(findings), findings: findings.map(dataOf) }, list: 'findings', text, exit };
  }
}

const dataOf = ({ repairs, ...finding }: Finding) => ({ ...finding, safe: repairs.map(commandOf) });

function listed(ids: readonly string[]): Result {
  const checks = CHECKS.filter(({ id }) => ids.length === 0 || ids.includes(id)).map(({ judge: _, ...check }) => check);
  const text = table(
    ['check', 'group', 'what is well'],
    checks.map(({ id, group, title }) => [id, group, title]),
  );
  return { data: { checks }, list: 'checks', text };
}

type Fix = { yes: boolean; 'dry-run': boolean };

async function fixed(findings: readonly Finding[], { yes, 'dry-run': dryRun }: Fix): Promise<Result> {
  const commands = findings.flatMap(({ repairs }) => repairs.map(commandOf));
  const plan = commands.map((command) => `  ${command}`).join('\n');
  if (commands.length === 0)
    return { data: { repaired: [] }, text: `Nothing to do that is safe: ${countsText(findings)}` };
  if (dryRun) return { data: { repaired: [], commands }, text: `Would do:\n${plan}` };
  if (!yes) notice(plan);
  await confirm('doctor runs these commands', yes);
  const { repairAll } = await import('../host/doctor-fix.ts');
  const repaired = await repairAll(findings);
  const lines = repaired.map(({ command, error }) =>
    error === undefined ? `done: ${command}` : `failed: ${command}: ${error}`,
  );
  return {
    data: { repaired },
    text: lines.join('\n'),
    exit: repaired.some(({ error }) => error !== undefined) ? 1 : 0,
  };
}
