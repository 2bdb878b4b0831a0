import assert from 'node:assert/strict';
import { buildConfig, type ConfigWish, checkedConfig } from '../../../src/config/build.ts';
import { TsflannelError } from '../../../src/errors.ts';

const built = (wish: ConfigWish, now?: object | string) =>
  JSON.parse(buildConfig(wish, typeof now === 'object' ? JSON.stringify(now) : now));
const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof TsflannelError, String(error));
    return `${error.code} ${error.why}`;
  }
  return 'taken';
};

describe('building a config', () => {
  it('begins with nothing, and writes only what was said', () => {
    assert.deepEqual(built({ network: '172.17.0.0/16' }), { Network: '172.17.0.0/16' });
    const wish = {
      network: '10.5.0.0/16',
      subnetLen: 26,
      subnetMin: '10.5.0.64',
      subnetMax: '10.5.9.0',
      backend: 'vxlan',
      backendOptions: ['VNI=7', 'DirectRouting=true'],
    };
    assert.deepEqual(built(wish), {
      ...{ Network: '10.5.0.0/16', SubnetLen: 26, SubnetMin: '10.5.0.64', SubnetMax: '10.5.9.0' },
      Backend: { Type: 'vxlan', VNI: 7, DirectRouting: true },
    });
  });

  it('changes what it names and keeps the rest, in its place', () => {
    const now = { EnableIPv6: false, Network: '10.5.0.0/16', SubnetLen: 24, Backend: { Type: 'vxlan', VNI: 1 } };
    assert.equal(
      buildConfig({ subnetLen: 26 }, JSON.stringify(now)),
      '{"EnableIPv6":false,"Network":"10.5.0.0/16","SubnetLen":26,"Backend":{"Type":"vxlan","VNI":1}}',
    );
    assert.deepEqual(built({}, now), now);
  });

  it('never leaves one key in two spellings', () => {
    const now = { network: '10.5.0.0/16', BACKEND: { type: 'VXLAN', vni: 1, Port: 9 } };
    assert.deepEqual(built({ network: '10.6.0.0/16', backendOptions: ['VNI=7'] }, now), {
      Network: '10.6.0.0/16',
      Backend: { Type: 'VXLAN', VNI: 7, Port: 9 },
    });
  });

  it('merges options into the backend that is there; a new type drops them', () => {
    const now = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan', VNI: 1, Port: 9 } };
    assert.deepEqual(built({ backendOptions: ['vni=7'] }, now).Backend, { Type: 'vxlan', VNI: 7, Port: 9 });
    assert.deepEqual(built({ backend: 'vxlan', backendOptions: ['GBP=true'] }, now).Backend, {
      Type: 'vxlan',
      VNI: 1,
      Port: 9,
      GBP: true,
    });
    assert.deepEqual(built({ backend: 'udp' }, now).Backend, { Type: 'udp' });
    assert.deepEqual(built({ backendOptions: ['Port=9'] }, { Network: '10.5.0.0/16' }).Backend, {
      Type: 'udp',
      Port: 9,
    });
  });

  it('starts anew where what is there is no config', () => {
    for (const now of ['', 'x', '[]'])
      assert.deepEqual(built({ network: '10.5.0.0/16' }, now), { Network: '10.5.0.0/16' });
  });

  it('refuses host bits with a suggestion, and what is no network', () => {
    assert.match(
      refusal(() => buildConfig({ network: '10.5.3.4/16' }, undefined)),
      /USAGE .*did you mean 10\.5\.0\.0\/16\?/,
    );
    for (const network of ['10.5.0.0', '10.5.0.0/33', '300.5.0.0/16', '$(id)', '10.5.0.0/16; x', ''])
      assert.match(
        refusal(() => buildConfig({ network }, undefined)),
        /^USAGE/,
        network,
      );
  });

  it('refuses options that the backend does not have', () => {
    assert.match(
      refusal(() => buildConfig({ backend: 'host-gw', backendOptions: ['VNI=1'] }, undefined)),
      /USAGE .*host-gw has SourceCheck/,
    );
    assert.match(
      refusal(() => buildConfig({ backend: 'vxlan', backendOptions: ['Vni'] }, undefined)),
      /NAME=VALUE/,
    );
    assert.match(
      refusal(() => buildConfig({ backendOptions: ['VNI=1'] }, undefined)),
      /udp has Port, MTU/,
    );
  });
});

describe('checking a config', () => {
  const check = (json: object, then?: object) =>
    refusal(() => checkedConfig(JSON.stringify(json), then && JSON.stringify(then)));

  it('refuses what flannel would refuse, and what it would pass over', () => {
    assert.equal(check({ Network: '10.5.0.0/16' }), 'taken');
    assert.match(check({ Network: '10.5.0.0/16', SubnetMin: '10.5.1.1' }), /CONFIG_INVALID .*boundary/);
    assert.match(check({ Network: '10.5.0.0/16', Subnetlength: 24 }), /CONFIG_INVALID .*no such key/);
    assert.match(check({ Network: '10.5.0.1/16' }), /CONFIG_INVALID .*did you mean 10\.5\.0\.0\/16/);
    assert.match(
      check({ Network: '10.5.0.0/16', Backend: { Type: 'udp', VNI: 1 } }),
      /CONFIG_INVALID .*udp has Port, MTU/,
    );
  });

  it('does not hold an old slip against a new change', () => {
    const then = { Network: '10.5.0.1/16', Colour: 'red' };
    assert.equal(check({ ...then, SubnetLen: 26 }, then), 'taken');
    assert.match(check({ ...then, Color: 'red' }, then), /CONFIG_INVALID/);
  });
});
