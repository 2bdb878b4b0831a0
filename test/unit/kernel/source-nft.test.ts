import assert from 'node:assert/strict';
import {
  changesBatch,
  changesText,
  changingElements,
  elementsOf,
  overlapping,
  type SourceChange,
} from '../../../src/kernel/linux/source-elements.ts';
import { parsingCounters, parsingTable } from '../../../src/kernel/linux/source-json.ts';
import { parseSettings, refusalOf, rulesOf, settingsText, wholeTable } from '../../../src/kernel/linux/source-text.ts';
import type { GuardSettings } from '../../../src/kernel/source-check.ts';
import type { Source } from '../../../src/kernel/state.ts';
import { atOnce } from '../../../src/model/sliced.ts';
import { attributesOf } from '../../../src/sys/netlink.ts';
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

const elementChanges = (changes: readonly SourceChange[], after: readonly Source[] = []) =>
  atOnce(changingElements(changes, after));
const changedText = (changes: readonly SourceChange[]): string => changesText(elementChanges(changes));

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

  it('keeps the address and MAC that another subnet of the same node needs', () => {
    const other = { ...PEER, subnet: prefix('10.5.3.0/24') };
    assert.doesNotMatch(changesText(elementChanges([{ from: PEER }], [other])), /vteps/);
    assert.match(changesText(elementChanges([{ from: PEER }], [])), /delete element inet tsflannel-sources vteps/);
    assert.match(changesText(elementChanges([{ from: PEER }], [other])), /delete .* inner/);
  });

  it('tells which subnets overlap one of another length', () => {
    const at = (...subnets: string[]) => new Map(subnets.map((text) => [text, { ...PEER, subnet: prefix(text) }]));
    const there = at('10.5.2.0/24', '10.5.3.0/25', '10.5.4.0/24', '10.0.0.0/12');
    const told = (...come: string[]) => atOnce(overlapping(come.map(prefix), there));
    assert.deepEqual(told('10.5.2.128/25', '10.5.3.0/24'), [
      '10.5.2.0/24',
      '10.5.3.0/25',
      '10.0.0.0/12',
      '10.0.0.0/12',
    ]);
    assert.deepEqual(told('10.5.4.0/24', '10.16.0.0/13'), ['10.0.0.0/12']);
    assert.deepEqual(told('10.16.0.0/24'), []);
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
    assert.equal(changedText([{ from: PEER, to: PEER }]), '');
    const moved = { ...PEER, outer: ip('10.200.0.9') };
    assert.equal(
      changedText([{ from: PEER, to: moved }]),
      'delete element inet tsflannel-sources vteps { 10.200.0.2 . 0x020000000002 }\n' +
        'add element inet tsflannel-sources vteps { 10.200.0.9 . 0x020000000002 }\n',
    );
    // Two peers that change places in one transaction.
    const [red, blue] = [mac('02:00:00:00:00:02'), mac('02:00:00:00:00:03')];
    const [a, b] = [PEER, { ...PEER, subnet: prefix('10.5.3.0/24'), mac: blue }];
    const text = changedText([
      { from: a, to: { ...a, mac: blue } },
      { from: b, to: { ...b, mac: red } },
    ]);
    assert.doesNotMatch(text, / (subnets|vteps) /);
    assert.ok(text.indexOf('delete') < text.indexOf('add'));
  });

  it('says the same to the kernel as nft does', () => {
    const to: Source = { ...PEER, subnet: prefix('10.3.0.0/16'), mac: mac('aa:bb:cc:dd:ee:ff'), outer: ip('10.1.2.3') };
    const batch = changesBatch(elementChanges([{ to }, { from: { ...PEER, direct: true }, to: PEER }])) ?? [];
    assert.deepEqual(
      batch.map(({ type, flags }) => [type, flags]),
      [
        [0x10, 0],
        [0xa0e, 0],
        [0xa0c, 0x400],
        [0xa0c, 0x400],
        [0xa0c, 0x400],
        [0x11, 0],
      ],
    );
    const elements = batch.map(({ body }) => attributesOf(body, 4).get(3)?.toString('hex') ?? '');
    const key = (...hex: string[]) => hex.join('');
    // As in a trace of nft 1.0.6.
    assert.deepEqual(elements.slice(1, 5), [
      key('100001800c000180080001000a050200', '18000180', '0800030000000001', '0c000180080001000a050300'),
      key('100001800c000180080001000a030000', '18000180', '0800030000000001', '0c000180080001000a040000'),
      key('2c000180', '1400018010000100aabbccddeeff00000a030000', '14000a8010000100aabbccddeeff00000a03ffff'),
      key('18000180', '14000180100001000a010203aabbccddeeff0000'),
    ]);
  });

  it('leaves to nft what is long, or has no address after it', () => {
    const many = Array.from({ length: 600 }, (_, i) => ({
      to: { ...PEER, subnet: prefix(`10.6.${i >> 4}.${(i & 15) << 4}/28`) },
    }));
    assert.equal(changesBatch(elementChanges(many)), undefined);
    assert.equal(changesBatch(elementChanges([{ to: { ...PEER, subnet: prefix('255.255.255.0/24') } }])), undefined);
    assert.equal(changesBatch(elementChanges([{ from: PEER, to: PEER }]))?.length, 2);
  });

  it('writes a table that begins by taking away the old one', () => {
    for (const sources of [[], [PEER]]) {
      const texts = wholeTable(SETTINGS, sources);
      assert.ok(texts[0]?.startsWith('table inet tsflannel-sources\ndelete table inet tsflannel-sources\ntable inet'));
      assert.match(texts.at(-1) ?? '', /udp dport 8472 @th,96,24 1 goto tunnel/);
    }
  });

  it('writes no rule before the elements it asks for', () => {
    const [sets = '', chains = '', ...more] = wholeTable(SETTINGS, [PEER]);
    assert.deepEqual(more, []);
    assert.match(sets, /set inner \{.*elements/);
    assert.doesNotMatch(sets, /chain|@inner/);
    assert.doesNotMatch(chains, /delete|set /);
  });

  it('takes any JSON of a table for what it is: damaged', () => {
    for (const json of ['{}', '[]', 'null', '{"nftables":[{"set":{"name":"inner","elem":[7,{},[],"x",null]}}]}']) {
      assert.notEqual(atOnce(parsingTable(json)).guard.damage, undefined, json);
      assert.deepEqual(atOnce(parsingCounters(json)).peers, []);
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
      atOnce(parsingCounters(json)).peers.map(({ refused, refusedFrom }) => [refused, refusedFrom]),
      [
        [3, ip('192.0.2.1')],
        [4, ip('192.0.2.2')],
      ],
    );
  });
});
