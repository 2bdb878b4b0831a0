import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCTOR_PAGE, doctorPage } from '../../../scripts/docs.ts';
import { CHECKS, commandOf, type Finding, healthOf, judgeAll } from '../../../src/doctor/doctor.ts';
import type { NetworkEvidence } from '../../../src/doctor/evidence.ts';
import { reject } from '../../../src/model/parsed.ts';
import { doctorCases, doctorText } from '../../../src/output/doctor.ts';
import { packageRoot } from '../../../src/root.ts';
import { evidenceOf, finding, running } from '../../support/evidence.ts';
import { flagsIn, commandOf as programCommand } from '../../support/program.ts';

/** Programs of the system that a fix may name. */
const OTHERS =
  /^(?:apt-get install|cat|chmod|df|docker|ethtool|firewall-cmd|ip|iptables(?:-\w+)?|kill|modprobe|networkctl|nft|nmcli|ss|sysctl|systemctl|timedatectl|ufw|update-alternatives) ?\S*/;

describe('the checks of doctor', () => {
  it('are more than forty, each with a name of its own, a reason and a fix', () => {
    assert.ok(CHECKS.length >= 40, String(CHECKS.length));
    assert.equal(new Set(CHECKS.map(({ id }) => id)).size, CHECKS.length);
    for (const { id, title, why, fix } of CHECKS) {
      assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.ok(title !== '' && why !== '' && fix.length > 0, id);
      assert.doesNotMatch(title, /[.!?]$/, id);
    }
  });

  it('name fixes that can be typed', () => {
    for (const line of new Set(CHECKS.flatMap(({ fix }) => fix))) {
      const words = line.replace(/^sudo /, '');
      if (!words.startsWith('tsflannel ')) {
        assert.match(words, OTHERS);
        continue;
      }
      const command = programCommand(words.replace(/^tsflannel /, ''));
      assert.ok(command, line);
      for (const flag of flagsIn(line)) assert.ok(Object.hasOwn(command.flags, flag) || flag === 'help', line);
    }
  });

  it('judge a host of which nothing is known without a word of failure but that no daemon runs', () => {
    const failed = judgeAll(evidenceOf()).filter(({ result }) => result === 'fail');
    assert.deepEqual(
      failed.map(({ id }) => id),
      ['interface', 'client-config', 'daemon'],
    );
  });

  it('are what docs/doctor.md says', () => {
    assert.equal(readFileSync(DOCTOR_PAGE, 'utf8'), doctorPage(), 'run: node scripts/docs.ts');
  });

  it('say down without a daemon, degraded with a failure, ok with warnings', () => {
    const with_ = (result: 'ok' | 'warn' | 'fail', id = 'forward') => ({ ...finding(id, {}), result });
    assert.equal(healthOf([with_('fail', 'daemon'), with_('ok')]), 'down');
    assert.equal(healthOf([with_('fail')]), 'degraded');
    assert.equal(healthOf([with_('warn')]), 'ok');
  });

  it('bring the command that a repair does', () => {
    const forward = finding('ip-forward', {
      ...running,
      host: { ...evidenceOf().host, sysctls: new Map([['net.ipv4.ip_forward', '0']]) },
    });
    assert.deepEqual([forward.result, forward.fix], ['fail', ['sysctl -w net.ipv4.ip_forward=1']]);
    assert.deepEqual(forward.repairs.map(commandOf), forward.fix);
  });
});

describe('leases that are refused', () => {
  const refused = (...names: readonly string[]): Finding => {
    const rejections = names.map((name) => {
      const key = `/coreos.com/network/subnets/${name}`;
      return [key, reject('NOT_JSON', key, '$(reboot)').rejection] as const;
    });
    const seen = { ...({} as NetworkEvidence), leases: new Map(), rejections: new Map(rejections) };
    return finding('leases', { network: { seen } });
  };

  it('are named, each with key and code, and explained', () => {
    const { result, evidence, fix } = refused('10.5.1.0-24', 'a/b\u001b[2J');
    assert.equal(result, 'warn');
    assert.equal(evidence, 'subnets/10.5.1.0-24: NOT_JSON: $(reboot); subnets/a/b?[2J: NOT_JSON: $(reboot)');
    assert.equal(fix[0], 'tsflannel explain NOT_JSON');
    assert.doesNotMatch(fix.join(), /10\.5|reboot/, 'nothing of a stranger’s is to be typed');
  });

  it('are counted where there are very many', () => {
    const { evidence } = refused(...Array.from({ length: 1_000 }, (_, i) => `${i}`));
    assert.match(evidence, /subnets\/19: .*; and 980 more$/);
    assert.equal(refused().result, 'ok');
  });
});

describe('the report of doctor', () => {
  const findings = judgeAll(evidenceOf(), ['root', 'daemon', 'clock']);

  it('begins with the counts, tells faults in full, and the rest when asked', () => {
    const text = doctorText(findings, false);
    assert.match(
      text,
      /^1 failed, 0 warnings, 2 ok, 0 skipped\n\nfail {2}daemon: .*\n {6}seen: .*\n {6}why: .*\n {6}try: /,
    );
    assert.doesNotMatch(text, /^ok/m);
    assert.match(doctorText(findings, true), /^ok {4}root/m);
  });

  it('is a JUnit case each; only a failure is one', () => {
    const warned = findings.map((one) => ({ ...one, result: one.id === 'clock' ? ('warn' as const) : one.result }));
    assert.deepEqual(
      doctorCases(warned).map(({ result }) => result),
      ['ok', 'warn', 'fail'],
    );
    assert.match(doctorCases(findings).find(({ result }) => result === 'fail')?.detail ?? '', /tsflannel up --detach/);
  });
});

describe('docs/troubleshooting.md', () => {
  it('leads to checks that there are, and to most of them', () => {
    const text = readFileSync(join(packageRoot(), 'docs', 'troubleshooting.md'), 'utf8');
    const named = [...text.matchAll(/^\| [^|]+ \| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([\w-]+)`/g)].map(([, id]) => id),
    );
    const ids = new Set(CHECKS.map(({ id }) => id));
    assert.deepEqual(
      named.filter((id) => !ids.has(id ?? '')),
      [],
    );
    assert.ok(new Set(named).size >= 50, String(new Set(named).size));
  });
});
