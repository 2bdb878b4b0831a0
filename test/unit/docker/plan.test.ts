import assert from 'node:assert/strict';
import type { BridgeNetwork } from '../../../src/docker/api.ts';
import { sidesOf } from '../../../src/docker/pin.ts';
import { dockersAddress, type Facts, planApply, printChange } from '../../../src/docker/plan.ts';
import { parseSubnetEnv } from '../../../src/model/subnet-env.ts';

const parsed = parseSubnetEnv(
  'FLANNEL_NETWORK=172.17.0.0/16\nFLANNEL_SUBNET=172.17.57.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  'f',
);
assert.ok(parsed.ok);
const env = parsed.value;

const DEFAULT: BridgeNetwork = { subnet: '172.17.0.0/16', gateway: undefined, mtu: 1500, ipMasq: true, containers: 0 };
const DONE: BridgeNetwork = {
  subnet: '172.17.57.0/24',
  gateway: '172.17.57.1',
  mtu: 1450,
  ipMasq: false,
  containers: 0,
};
const APPLIED = '{\n  "bip": "172.17.57.1/24",\n  "mtu": 1450,\n  "ip-masq": false\n}\n';

const facts = (change: Partial<Facts> & { readonly text?: string | undefined } = {}): Facts => {
  const { text, ...rest } = change;
  return {
    label: 'process 7',
    argv: ['dockerd'],
    ownArgv: true,
    daemonJson: { path: '/etc/docker/daemon.json', text },
    tellConfigFile: false,
    envFile: undefined,
    docker0: ['172.17.0.1/16'],
    bridge: DEFAULT,
    directRouting: 'open',
    rawSwitch: false,
    ...rest,
  };
};

const refused = (change: Parameters<typeof facts>[0]): string => {
  try {
    planApply(facts(change), env);
  } catch (error) {
    assert.equal((error as { code: string }).code, 'DOCKER_CONFIG');
    return (error as { why: string }).why;
  }
  return assert.fail('it was not refused');
};

describe('docker/plan', () => {
  it('puts the options into a new daemon.json and re-addresses docker0', () => {
    const change = planApply(facts(), env);
    assert.equal(change.needed, true);
    assert.deepEqual(change.files, [{ path: '/etc/docker/daemon.json', before: undefined, after: APPLIED }]);
    assert.deepEqual(change.docker0.after, { addresses: ['172.17.57.1/24'], bip: '172.17.57.1/24' });
    assert.equal(
      printChange(change, 'process 7'),
      [
        '/etc/docker/daemon.json: (new)',
        '+ {',
        '+   "bip": "172.17.57.1/24",',
        '+   "mtu": 1450,',
        '+   "ip-masq": false',
        '+ }',
        'docker0:',
        '- 172.17.0.1/16',
        '+ 172.17.57.1/24',
        'restart: process 7',
      ].join('\n'),
    );
  });

  it('needs nothing when file, docker0 and the running dockerd agree', () => {
    const done = { text: APPLIED, docker0: ['172.17.57.1/24'], bridge: DONE };
    assert.equal(planApply(facts(done), env).needed, false);
    for (const other of [
      { docker0: ['172.17.0.1/16'] },
      { docker0: undefined },
      { bridge: DEFAULT },
      { bridge: { ...DONE, mtu: 1500 } },
      { bridge: { ...DONE, ipMasq: true, containers: 0 } },
      { bridge: { ...DONE, gateway: '172.17.57.2' } },
      { bridge: undefined },
      { text: APPLIED.replace('1450', '1449') },
    ])
      assert.equal(planApply(facts({ ...done, ...other }), env).needed, true, JSON.stringify(other));
  });

  it('keeps a flag a flag, puts what is set nowhere into the file, and what is in both only there', () => {
    const argv = ['dockerd', '--bip=1.2.3.4/24', '--mtu', '1400', '-D'];
    const change = planApply(facts({ argv, text: '{"mtu": 1300}' }), env);
    assert.deepEqual(change.argv.after, ['dockerd', '--bip=172.17.57.1/24', '-D']);
    assert.deepEqual(JSON.parse(change.files[0]?.after ?? ''), { mtu: 1450, 'ip-masq': false });
  });

  it('tells a dockerd of its daemon.json where the user names one', () => {
    const change = planApply(facts({ tellConfigFile: true }), env);
    assert.deepEqual(change.argv.after, ['dockerd', '--config-file=/etc/docker/daemon.json']);
  });

  it('keeps the addresses of docker0 that are not Docker’s', () => {
    const docker0 = ['10.9.9.1/24', '172.17.0.1/16'];
    assert.deepEqual(planApply(facts({ docker0 }), env).docker0.after?.addresses, ['172.17.57.1/24', '10.9.9.1/24']);
    assert.equal(dockersAddress(docker0, { ...DEFAULT, gateway: '10.9.9.1' }), '10.9.9.1/24');
    assert.equal(dockersAddress(docker0, undefined), '10.9.9.1/24');
    assert.equal(dockersAddress([], DEFAULT), undefined);
  });

  it('refuses what cannot live with the subnet', () => {
    assert.match(refused({ text: '{"bridge": "br0"}' }), /bridge br0/);
    assert.match(refused({ argv: ['dockerd', '-b', 'none'] }), /bridge none/);
    assert.match(refused({ text: '{"fixed-cidr": "172.17.1.0/24"}' }), /fixed-cidr 172.17.1.0/);
    assert.match(refused({ argv: ['dockerd', '--default-gateway=172.17.0.9'] }), /default-gateway 172.17.0.9/);
    assert.match(refused({ text: '{"bip": ' }), /not a JSON object/);
  });

  it('lets be what lies within the subnet', () => {
    const text = '{"bridge": "", "fixed-cidr": "172.17.57.128/25", "default-gateway": "172.17.57.254"}';
    assert.equal(planApply(facts({ text }), env).needed, true);
  });

  describe('of a unit', () => {
    const unit = { label: 'systemd unit docker.service', ownArgv: false };
    const envFile = { path: '/etc/default/docker', key: 'DOCKER_OPTS' };

    it('refuses flags of ours on its command line, and says how to name where they come from', () => {
      assert.match(refused({ ...unit, argv: ['dockerd', '--mtu=1'] }), /--mtu.*--docker-env-file/);
    });

    it('writes the env file instead of daemon.json', () => {
      const change = planApply(facts({ ...unit, envFile: { ...envFile, text: 'DOCKER_OPTS="-D"\n' } }), env);
      const after = 'DOCKER_OPTS="-D --bip=172.17.57.1/24 --ip-masq=false --mtu=1450"\n';
      assert.deepEqual(change.files, [{ path: envFile.path, before: 'DOCKER_OPTS="-D"\n', after }]);
      const done = { argv: ['dockerd', '--bip=172.17.57.1/24'], docker0: ['172.17.57.1/24'], bridge: DONE };
      assert.equal(planApply(facts({ ...unit, ...done, envFile: { ...envFile, text: after } }), env).needed, false);
    });

    it('refuses an env file where another place says the same', () => {
      const file = { ...envFile, text: undefined };
      assert.match(refused({ ...unit, envFile: file, text: '{"bip": "1.2.3.4/8"}' }), /sets bip/);
      assert.match(refused({ ...unit, envFile: file, argv: ['dockerd', '--bip=1.2.3.4/8'] }), /does not give it/);
      assert.match(refused({ envFile: file }), /reads no env file/);
    });
  });
});

describe('docker/pin', () => {
  it('has dockerd started once on the former subnet where it is to have no bip after', () => {
    const { from, to } = sidesOf(planApply(facts({ text: '{}' }), env), facts({ text: '{}' }));
    assert.deepEqual(from.pin, { path: '/etc/docker/daemon.json', text: '{\n  "bip": "172.17.0.1/16"\n}\n' });
    assert.equal(to.pin, undefined);
    assert.equal(from.daemonJson.text, '{}');
  });

  it('needs that not where bip is given', () => {
    for (const found of [
      facts({ text: '{"bip": "172.17.5.1/24"}' }),
      facts({ argv: ['dockerd', '--bip=172.17.5.1/24'] }),
    ])
      assert.equal(sidesOf(planApply(found, env), found).from.pin, undefined);
  });

  it('looks into the env file of a unit, whose command line says what was', () => {
    const envFile = { path: '/e', key: 'DOCKER_OPTS', text: 'DOCKER_OPTS=""\n' };
    const found = facts({ label: 'unit', ownArgv: false, envFile });
    const { from, to } = sidesOf(planApply(found, env), found);
    assert.notEqual(from.pin, undefined);
    assert.equal(to.pin, undefined);
    assert.equal(to.state.argv, undefined);
  });

  it('knows no subnet to return to where there was no docker0', () => {
    const found = facts({ docker0: undefined, bridge: undefined });
    assert.equal(sidesOf(planApply(found, env), found).from.pin, undefined);
  });
});
