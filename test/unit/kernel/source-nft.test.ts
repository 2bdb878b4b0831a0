import assert from 'node:assert/strict';
import { parseCounters, parseTable } from '../../../src/kernel/linux/source-json.ts';
import {
  changedElements,
  elementsOf,
  parseSettings,
  refusalOf,
  rulesOf,
  settingsText,
  wholeTable,
} from '../../../src/kernel/linux/source-text.ts';
import type { GuardSettings } from '../../../src/kernel/source-check.ts';
import type { Source } from '../../../src/kernel/state.ts';
import { ip, mac, prefix } from '../../support/values.ts';

const SETTINGS: GuardSettings = {
  check: 'strict',
  network: prefix('10.5.0.0/16'),
  subnet: prefix('10.5.1.0/24'),
  underlay: 'eth0',
  tunnel: { device: 'flannel.1', port: 8472, vni: 1 },
};
const { tunnel: _, ...PLAIN } = SETTINGS;
const PEER: Source = {
  kind: 'source',
  subnet: prefix('10.5.2.0/24'),
  mac: mac('02:00:00:00:00:02'),
  outer: ip('10.200.0.2'),
  direct: false,
};

const chainsOf = (settings: GuardSettings): string[] => rulesOf(settings).map(([name]) => name);

describe('the source check in nft’s language', () => {
  it('has the chains that backend and check need', () => {
    const { tunnel } = SETTINGS;
    assert.deepEqual(chainsOf(SETTINGS), ['tunnel', 'decapsulated', 'input', 'untunnelled', 'prerouting']);
    assert.deepEqual(chainsOf({ ...PLAIN, check: 'subnet', ...(tunnel && { tunnel }) }), [
      'decapsulated',
      'prerouting',
    ]);
    assert.deepEqual(chainsOf(PLAIN), ['untunnelled', 'prerouting']);
  });

  it('carries its settings in a comment, of at most 127 bytes', () => {
    const widest = {
      ...SETTINGS,
      network: prefix('255.255.255.255/32'),
      subnet: prefix('255.255.255.255/32'),
      underlay: 'a'.repeat(15),
      tunnel: { device: 'flannel.1677721', port: 65_535, vni: 16_777_215 },
    };
    for (const settings of [SETTINGS, PLAIN, widest]) {
      assert.deepEqual(parseSettings(settingsText(settings)), settings);
      assert.ok(settingsText(settings).length <= 127);
    }
    for (const text of ['', 'strict', 'off 10.5.0.0/16 10.5.1.0/24 eth0', 'strict x y eth0'])
      assert.equal(parseSettings(text), undefined, text);
  });

  it('refuses names that nft would read as something else', () => {
    assert.equal(refusalOf(SETTINGS), undefined);
    for (const underlay of ['a"b', 'eth*', 'a b', '$x', '', 'a;b', 'a'.repeat(16)])
      assert.match(refusalOf({ ...SETTINGS, underlay }) ?? '', /interface named/, underlay);
  });

  it('names only elements that differ', () => {
    assert.equal(elementsOf(PEER).length, 3);
    assert.equal(changedElements([{ from: PEER, to: PEER }]), '');
    const moved = { ...PEER, outer: ip('10.200.0.9') };
    assert.equal(
      changedElements([{ from: PEER, to: moved }]),
      'delete element inet tsflannel-sources vteps { 10.200.0.2 . 0x020000000002 }\n' +
        'add element inet tsflannel-sources vteps { 10.200.0.9 . 0x020000000002 }\n',
    );
    // Two peers that change places in one transaction.
    const [red, blue] = [mac('02:00:00:00:00:02'), mac('02:00:00:00:00:03')];
    const [a, b] = [PEER, { ...PEER, subnet: prefix('10.5.3.0/24'), mac: blue }];
    const text = changedElements([
      { from: a, to: { ...a, mac: blue } },
      { from: b, to: { ...b, mac: red } },
    ]);
    assert.doesNotMatch(text, / (subnets|vteps) /);
    assert.ok(text.indexOf('delete') < text.indexOf('add'));
  });

  it('writes a table that begins by taking away the old one', () => {
    const text = wholeTable(SETTINGS, [PEER]);
    assert.ok(text.startsWith('table inet tsflannel-sources\ndelete table inet tsflannel-sources\ntable inet'));
    assert.match(text, /udp dport 8472 @th,96,24 1 goto tunnel/);
  });

  it('takes any JSON of a table for what it is: damaged', () => {
    for (const json of ['{}', '[]', 'null', '{"nftables":[{"set":{"name":"inner","elem":[7,{},[],"x",null]}}]}']) {
      assert.notEqual(parseTable(json).guard.damage, undefined, json);
      assert.deepEqual(parseCounters(json).peers, []);
    }
  });

  it('tells in whose name packets were refused, whatever the prefix lengths', () => {
    const set = (name: string, elem: unknown) => ({ set: { name, elem } });
    const prefixed = (addr: string, len: number) => ({ prefix: { addr, len } });
    const refused = (from: string, inner: string, packets: number) => ({
      elem: { val: { concat: [from, Number(ip(inner).value)] }, counter: { packets, bytes: 1 } },
    });
    const json = JSON.stringify({
      nftables: [
        set('subnets', [prefixed('10.5.2.0', 24), prefixed('10.5.4.0', 26)]),
        set('refused', [
          refused('192.0.2.1', '10.5.2.9', 3),
          refused('192.0.2.2', '10.5.4.63', 4),
          refused('192.0.2.3', '10.5.4.64', 5),
        ]),
      ],
    });
    assert.deepEqual(
      parseCounters(json).peers.map(({ refused, refusedFrom }) => [refused, refusedFrom]),
      [
        [3, ip('192.0.2.1')],
        [4, ip('192.0.2.2')],
      ],
    );
  });
});
