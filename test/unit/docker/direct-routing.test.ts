import assert from 'node:assert/strict';
import {
  directRoutingOf,
  dropRulesOfIptables,
  dropRulesOfNft,
  RAW_SWITCH,
} from '../../../src/docker/direct-routing.ts';
import { mergeEnvFile } from '../../../src/docker/env-file.ts';
import { type Facts, planApply, printChange } from '../../../src/docker/plan.ts';
import { printPrefix } from '../../../src/model/address.ts';
import { parseSubnetEnv } from '../../../src/model/subnet-env.ts';

const parsed = parseSubnetEnv(
  'FLANNEL_NETWORK=172.17.0.0/16\nFLANNEL_SUBNET=172.17.57.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  'f',
);
assert.ok(parsed.ok);
const env = parsed.value;

const facts = (change: Partial<Facts>): Facts => ({
  ...{ label: 'process 7', argv: ['dockerd'], ownArgv: true, tellConfigFile: false, envFile: undefined },
  daemonJson: { path: '/etc/docker/daemon.json', text: undefined },
  docker0: ['172.17.57.1/24'],
  bridge: { subnet: '172.17.57.0/24', gateway: '172.17.57.1', mtu: 1450, ipMasq: false, containers: 0 },
  ...{ directRouting: 'open', rawSwitch: false },
  ...change,
});
const APPLIED = '{\n  "bip": "172.17.57.1/24",\n  "mtu": 1450,\n  "ip-masq": false\n}\n';

describe('docker/direct-routing', () => {
  for (const [version, way] of [
    ['20.10.24+dfsg1', 'open'],
    ['27.5.1', 'open'],
    ['28.0.0', 'environment'],
    ['28.1.1', 'environment'],
    ['28.2.0-rc.1', 'option'],
    ['28.10.0', 'option'],
    ['v29.1.0', 'option'],
    ['dev', 'open'],
    ['', 'open'],
    [undefined, 'open'],
  ] as const)
    it(`version ${version}: ${way}`, () => assert.equal(directRoutingOf(version), way));

  it('sets the option where dockerd knows it, and only there', () => {
    const text = planApply(facts({ directRouting: 'option' }), env).files[0]?.after;
    assert.equal(JSON.parse(text ?? '')['allow-direct-routing'], true);
    const done = { path: '/etc/docker/daemon.json', text: text! };
    assert.equal(planApply(facts({ directRouting: 'option', daemonJson: done }), env).needed, false);
    const older = { path: '/etc/docker/daemon.json', text: APPLIED };
    assert.equal(planApply(facts({ daemonJson: older }), env).needed, false);
  });

  it('leaves a unit whose command line has the option already, and puts a flag right', () => {
    const daemonJson = { path: '/etc/docker/daemon.json', text: APPLIED };
    const argv = (value: string) => ['dockerd', `--allow-direct-routing=${value}`];
    const flagged = facts({ directRouting: 'option', daemonJson, argv: argv('true') });
    assert.equal(planApply({ ...flagged, ownArgv: false }, env).needed, false);
    assert.equal(planApply(flagged, env).needed, false);
    const off = planApply(facts({ directRouting: 'option', daemonJson, argv: argv('false') }), env);
    assert.deepEqual(off.argv.after, argv('true'));
  });

  it('goes into an env file among the other options', () => {
    assert.equal(
      mergeEnvFile('X="--allow-direct-routing=false -D"\n', 'X', env, 'option'),
      'X="-D --bip=172.17.57.1/24 --allow-direct-routing=true --ip-masq=false --mtu=1450"\n',
    );
    assert.match(
      mergeEnvFile('X="--allow-direct-routing -D"\n', 'X', env, 'open'),
      /X="--allow-direct-routing -D --bip/,
    );
  });

  it('28.0 and 28.1 need a variable in their environment', () => {
    const daemonJson = { path: '/etc/docker/daemon.json', text: APPLIED };
    const change = planApply(facts({ directRouting: 'environment', daemonJson }), env);
    assert.equal(change.needed, true);
    assert.deepEqual(change.rawSwitch, { before: false, after: true });
    assert.match(printChange(change, 'process 7'), new RegExp(`\\+ ${RAW_SWITCH}=1\n`));
    assert.equal(planApply(facts({ directRouting: 'environment', daemonJson, rawSwitch: true }), env).needed, false);
  });

  it('finds the rules of 28.0 (a port each) and 28.1 (an address each), and no others', () => {
    const text = [
      '-P PREROUTING ACCEPT',
      '-A PREROUTING -d 172.18.0.2/32 ! -i br-3cdb1cb92a36 -p tcp -m tcp --dport 1000 -j DROP',
      '-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP',
      '-A PREROUTING -d 172.17.0.3/32 -i flannel0 -j ACCEPT',
      '-A PREROUTING -d 172.17.0.3/32 -i eth0 -j DROP',
      '-A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 80 -j ACCEPT',
    ].join('\n');
    assert.deepEqual(
      dropRulesOfIptables(text).map(({ addresses, bridge }) => `${printPrefix(addresses)} ${bridge}`),
      ['172.18.0.2/32 br-3cdb1cb92a36', '172.17.0.2/32 docker0'],
    );
  });

  for (const text of [
    '',
    '{',
    'null',
    '{"nftables": 3}',
    '{"nftables": [null, {"rule": {"expr": [{"drop": null}, 7]}}]}',
  ])
    it(`survives ${text || 'nothing'} of nft`, () => assert.deepEqual(dropRulesOfNft(text), []));
});
