import assert from 'node:assert/strict';
import { flagValue, flagValues, parseFlags, setFlag } from '../../../src/docker/flags.ts';

const argv = (line: string): string[] => ['dockerd', ...line.split(' ').filter((word) => word !== '')];

describe('docker/flags', () => {
  for (const [line, name, value] of [
    ['--bip=10.1.1.1/24', 'bip', '10.1.1.1/24'],
    ['--bip 10.1.1.1/24', 'bip', '10.1.1.1/24'],
    ['--bip 10.1.1.1/24 --bip=10.2.2.1/24', 'bip', '10.2.2.1/24'],
    ['--ip-masq --mtu 1400', 'ip-masq', 'true'],
    ['--ip-masq=false', 'ip-masq', 'false'],
    ['--label=--bip=1.2.3.4/8', 'bip', undefined],
    ['--label --bip', 'bip', 'true'],
    ['-b br0', 'bridge', 'br0'],
    ['-bbr0', 'bridge', 'br0'],
    ['-b=br0', 'bridge', 'br0'],
    ['-Db br0', 'bridge', 'br0'],
    ['-D --mtu=1', 'mtu', '1'],
    ['-- --mtu=1', 'mtu', undefined],
    ['--oom-score-adjust -500 --mtu 9', 'mtu', '9'],
    ['', 'mtu', undefined],
  ] as const)
    it(`${line || 'nothing'}: ${name} is ${value}`, () => {
      assert.equal(flagValue(argv(line), name), value);
    });

  it('gives every address of the API', () => {
    const line = '-H fd:// -Htcp://1.2.3.4:5 --host unix:///a --host=unix:///b -DH unix:///c';
    assert.deepEqual(flagValues(argv(line), 'host'), [
      'fd://',
      'tcp://1.2.3.4:5',
      'unix:///a',
      'unix:///b',
      'unix:///c',
    ]);
  });

  it('rewrites an option where it stands, once, and leaves the rest', () => {
    const before = argv('-D --bip 10.1.1.1/24 --label a=b --bip=10.2.2.1/24 -H fd://');
    assert.deepEqual(setFlag(before, 'bip', '10.9.9.1/24'), argv('-D --bip=10.9.9.1/24 --label a=b -H fd://'));
    assert.deepEqual(setFlag(before, 'bip', undefined), argv('-D --label a=b -H fd://'));
    assert.deepEqual(setFlag(before, 'mtu', '1400'), [...before, '--mtu=1400']);
    assert.deepEqual(setFlag(before, 'mtu', undefined), before);
  });

  it('tells where each stands', () => {
    assert.deepEqual(parseFlags(argv('-D --bip 1 -H x')), [
      { name: 'bip', value: '1', at: 2, count: 2 },
      { name: 'host', value: 'x', at: 4, count: 2 },
    ]);
  });
});
