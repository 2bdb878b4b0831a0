import assert from 'node:assert/strict';
import fc from 'fast-check';
import { mergeDaemonJson, OUR_KEYS, parseDaemonJson } from '../../../src/docker/daemon-json.ts';
import { diffLines } from '../../../src/docker/diff.ts';
import { flagValue, parseFlags, setFlag } from '../../../src/docker/flags.ts';

const ours = fc.record({
  bip: fc.constantFrom('10.1.74.1/24', '172.17.57.1/24'),
  mtu: fc.integer({ min: 68, max: 65_535 }),
  'ip-masq': fc.boolean(),
});
const daemonJson = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...OUR_KEYS)), fc.jsonValue());
const given = ['-D', '-H unix:///x', '-Hfd://', '--bip 1', '--bip=2', '--mtu=3', '--label a=b', '--ip-masq', '--debug'];
const words = fc.array(fc.constantFrom(...given)).map((options) => options.flatMap((option) => option.split(' ')));

describe('docker: files and flags (properties)', () => {
  it('a merge sets ours, keeps the rest, and changes nothing the second time', () => {
    fc.assert(
      fc.property(daemonJson, fc.constantFrom(undefined, 2, 4, '\t'), ours, (json, indent, values) => {
        const merged = mergeDaemonJson(JSON.stringify(json, null, indent), 'f', values);
        const expected = { ...JSON.parse(JSON.stringify(json)), ...values };
        assert.deepEqual(parseDaemonJson(merged, 'f'), expected);
        assert.equal(mergeDaemonJson(merged, 'f', values), merged);
      }),
    );
  });

  it('putting the former values back gives the former object', () => {
    fc.assert(
      fc.property(daemonJson, ours, (json, values) => {
        const text = JSON.stringify(json);
        const former = Object.fromEntries(
          OUR_KEYS.map((key) => [key, Object.hasOwn(json, key) ? (json[key] as string) : undefined]),
        );
        const back = mergeDaemonJson(mergeDaemonJson(text, 'f', values), 'f', former);
        assert.deepEqual(parseDaemonJson(back, 'f'), parseDaemonJson(text, 'f'));
      }),
    );
  });

  it('a flag that is set reads back and is there once; the other flags stay as they were', () => {
    fc.assert(
      fc.property(words, fc.constantFrom('bip', 'mtu', 'host'), (rest, name) => {
        const argv = ['dockerd', ...rest];
        const after = setFlag(argv, name, 'value');
        assert.equal(flagValue(after, name), 'value');
        const others = (each: readonly string[]) =>
          parseFlags(each).flatMap((flag) => (flag.name === name ? [] : [`${flag.name}=${flag.value}`]));
        assert.deepEqual(others(after), others(argv));
        assert.equal(parseFlags(after).filter((flag) => flag.name === name).length, 1);
        assert.equal(flagValue(setFlag(argv, name, undefined), name), undefined);
      }),
    );
  });

  it('the lines of a diff are the lines of both texts', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = diffLines(before.join('\n'), after.join('\n'));
        const side = (mark: string) =>
          diff.flatMap((line) => (line[0] === mark || line[0] === ' ' ? [line.slice(2)] : []));
        assert.deepEqual(side('-'), before);
        assert.deepEqual(side('+'), after);
      }),
    );
  });
});
