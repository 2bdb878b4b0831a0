import assert from 'node:assert/strict';
import { mergeDaemonJson, parseDaemonJson } from '../../../src/docker/daemon-json.ts';
import { diffLines, withoutPasswords } from '../../../src/docker/diff.ts';
import { dropInText } from '../../../src/docker/drop-in.ts';
import { envFileHas, mergeEnvFile } from '../../../src/docker/env-file.ts';
import { parseSubnetEnv } from '../../../src/model/subnet-env.ts';

const parsed = parseSubnetEnv(
  'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=true\n',
  'f',
);
assert.ok(parsed.ok);
const env = parsed.value;
const OURS = '--bip=10.1.74.1/24 --ip-masq=false --mtu=1472';

describe('docker/daemon-json', () => {
  it('keeps everything that is there, its order and its indent', () => {
    const text =
      '{\n    "debug": true,\n    "mtu": 9000,\n    "proxies": {"http-proxy": "x"},\n    "__proto__": {"a": 1}\n}\n';
    assert.equal(
      mergeDaemonJson(text, 'f', { bip: '10.1.74.1/24', mtu: 1472 }),
      '{\n    "debug": true,\n    "mtu": 1472,\n    "proxies": {\n        "http-proxy": "x"\n    },\n    "__proto__": {\n        "a": 1\n    },\n    "bip": "10.1.74.1/24"\n}\n',
    );
  });

  it('makes a new file, takes an empty one, and takes keys out', () => {
    assert.equal(mergeDaemonJson(undefined, 'f', { mtu: 1 }), '{\n  "mtu": 1\n}\n');
    assert.equal(mergeDaemonJson('\n', 'f', { mtu: 1 }), '{\n  "mtu": 1\n}\n');
    assert.equal(mergeDaemonJson('{"mtu": 1, "a": 2}', 'f', { mtu: undefined }), '{\n  "a": 2\n}\n');
  });

  for (const text of ['{', '[]', 'null', '"x"', '{"a": 1}}', '{"a": 1,}'])
    it(`refuses ${text}`, () => {
      assert.throws(() => parseDaemonJson(text, '/etc/docker/daemon.json'), { code: 'DOCKER_CONFIG' });
    });
});

describe('docker/env-file', () => {
  const merge = (text: string | undefined) => mergeEnvFile(text, 'DOCKER_OPTS', env, 'open');

  it('is what mk-docker-opts.sh writes when there is none', () => {
    assert.equal(merge(undefined), `DOCKER_OPTS=" ${OURS}"\n`);
    assert.equal(merge(''), `DOCKER_OPTS=" ${OURS}"\n`);
  });

  it("keeps other lines and the variable's other options", () => {
    const text = '# by hand\nA="1"\nDOCKER_OPTS="-D --mtu 1500 --bip=10.9.9.1/24 --label a=b"\nB=2\n';
    assert.equal(merge(text), `# by hand\nA="1"\nDOCKER_OPTS="-D --label a=b ${OURS}"\nB=2\n`);
    assert.equal(merge('A=1'), `A=1\nDOCKER_OPTS=" ${OURS}"\n`);
    assert.equal(merge('DOCKER_OPTS=-D\n'), `DOCKER_OPTS="-D ${OURS}"\n`);
  });

  it('changes nothing the second time', () => {
    for (const text of [undefined, 'A=1\n', "export DOCKER_OPTS='-D'\n"]) {
      const once = merge(text);
      assert.equal(merge(once), once);
    }
  });

  for (const value of ['"$OTHER -D"', '"-D \\"x\\""', '"-D', '$(cat x)', '"a`b`"'])
    it(`refuses to rewrite ${value}, which needs a shell to be understood`, () => {
      assert.throws(() => merge(`DOCKER_OPTS=${value}\n`), { code: 'DOCKER_CONFIG' });
    });

  it('tells which options it gives', () => {
    assert.equal(envFileHas('DOCKER_OPTS=" --bip=1 -D"\n', 'DOCKER_OPTS', 'bip'), true);
    assert.equal(envFileHas('DOCKER_OPTS=" --bip=1 -D"\n', 'DOCKER_OPTS', 'mtu'), false);
    assert.equal(envFileHas('# DOCKER_OPTS=" --bip=1"\n', 'DOCKER_OPTS', 'bip'), false);
    assert.equal(envFileHas(undefined, 'DOCKER_OPTS', 'bip'), false);
  });

  it('has a drop-in that reads it, and does without it', async () => {
    assert.match(await dropInText('/run/flannel/docker'), /^\[Service\]\nEnvironmentFile=-\/run\/flannel\/docker$/m);
  });
});

describe('docker/diff', () => {
  it('marks what goes and what comes', () => {
    assert.deepEqual(diffLines('a\nb\nc\n', 'a\nx\nc\nd\n'), ['  a', '- b', '+ x', '  c', '+ d']);
    assert.deepEqual(diffLines(undefined, 'a\n'), ['+ a']);
    assert.deepEqual(diffLines('a\n', undefined), ['- a']);
    assert.deepEqual(diffLines('', ''), []);
  });

  it('hides passwords in addresses', () => {
    assert.equal(withoutPasswords('"http://me:canary@proxy:3128/"'), '"http://me:***@proxy:3128/"');
    assert.equal(withoutPasswords('http://proxy:3128/ a@b'), 'http://proxy:3128/ a@b');
  });
});
