import assert from 'node:assert/strict';
import {
  type ContainerFigures,
  type EchoFigures,
  judgePair,
  type PairFigures,
} from '../../../src/model/connectivity.ts';

const echo = (sent: number, received: number): EchoFigures => ({ bytes: 56, sent, received });
const WELL: PairFigures = {
  ...{ from: 'n1', to: 'n2', subnet: '172.17.5.0/24', publicIp: '198.18.0.2', backend: 'vxlan', route: 'ok' },
  ...{ overlay: echo(20, 20), underlay: echo(20, 20), mtu: 1450, largest: 1450 },
  ...{ tcp: 'refused', udp: 'refused', load: echo(1000, 1000) },
};

const WAY = { overlay: echo(20, 20), mtu: 1450, largest: 1450, tcp: 'refused', udp: 'refused' } as const;
const CONTAINERS: ContainerFigures = {
  ...{ bridge: 'docker0', from: '172.17.4.254', to: '172.17.5.2', host: echo(20, 20), there: 'answered', count: 1 },
  way: WAY,
};
const none = { to: undefined, way: undefined, count: 0 } as unknown as Partial<ContainerFigures>;
const through = (change: Partial<ContainerFigures>): Partial<PairFigures> => ({
  containers: { ...CONTAINERS, ...change },
});

/** What is said of a pair that is well but for this change. */
const judged = (change: Partial<PairFigures>) => judgePair({ ...WELL, ...change });

describe('judgePair', () => {
  it('has nothing to say of a pair that is well', () => {
    assert.deepEqual(judged({}), { result: 'ok' });
    assert.deepEqual(judged(through({})), { result: 'ok' });
    for (const there of ['none', 'unreachable'] as const)
      assert.deepEqual(judged(through({ ...none, there })), { result: 'ok' });
    assert.deepEqual(judged({ tcp: 'open', udp: 'silent', load: echo(1000, 991) }), { result: 'ok' });
  });

  const FAULTS: readonly [string, Partial<PairFigures>, 'warn' | 'fail', RegExp][] = [
    ['no route', { overlay: echo(20, 0), route: 'missing' }, 'fail', /no working route to n2: missing/],
    ['a dead host', { overlay: echo(20, 0), underlay: echo(20, 0) }, 'fail', /198\.18\.0\.2 does not answer either/],
    ['a closed port of vxlan', { overlay: echo(20, 0) }, 'fail', /UDP port 8472/],
    ['a closed port of udp', { overlay: echo(20, 0), backend: 'udp' }, 'fail', /UDP port 8285/],
    ['host-gw', { overlay: echo(20, 0), backend: 'host-gw' }, 'fail', /does not forward/],
    ['a narrow path', { largest: 1400, load: echo(1000, 0) }, 'fail', /more than 1400 bytes/],
    ['single losses', { overlay: echo(20, 18), underlay: echo(20, 19) }, 'warn', /2 of 20 .* on the underlay too/],
    ['loss under load', { load: echo(1000, 980) }, 'warn', /20 of 1000 packets were lost under load/],
    ['TCP dropped', { tcp: 'silent' }, 'warn', /TCP to n2 itself/],
    ['our FORWARD', through({ host: echo(20, 0) }), 'fail', /^n1 does not forward what its containers send/],
    ['their FORWARD', through({ ...none, there: 'silent' }), 'fail', /^n2 answers itself, but does not forward/],
    ['a REJECT', through({ ...none, there: 'refused' }), 'fail', /a firewall there refuses it/],
    [
      'a mute one',
      through({ ...none, there: 'unreachable', mute: '172.17.5.2' }),
      'warn',
      /172\.17\.5\.2 .* Docker 28/,
    ],
    ['a dead one', through({ way: { ...WAY, overlay: echo(20, 0) } }), 'fail', /the container 172\.17\.5\.2 of n2/],
    ['a wide bridge', through({ way: { ...WAY, mtu: 1500 } }), 'warn', /docker0 takes packets of 1500 .* of 1450/],
    ['a narrow bridge', through({ way: { ...WAY, largest: 1400 } }), 'fail', /more than 1400 .* containers of n2/],
    ['lossy containers', through({ way: { ...WAY, overlay: echo(20, 19) } }), 'warn', /1 of 20 requests/],
    ['worse after bad', { tcp: 'silent', ...through({ host: echo(20, 0) }) }, 'fail', /^n1 does not forward/],
  ];
  for (const [what, change, result, cause] of FAULTS)
    it(`names ${what}`, () => {
      const verdict = judged(change);
      assert.equal(verdict.result, result);
      assert.match(verdict.cause ?? '', cause);
      assert.match(verdict.fix ?? '', /^tsflannel /);
    });
});
