import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { completionScript, SHELLS } from '../../src/output/completion.ts';
import { packageRoot } from '../../src/root.ts';
import { openTypist, type Typist } from '../support/cli.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { NET } from '../support/kvs.ts';
import { until } from '../support/until.ts';

/** For a shell, as one word. */
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

describe('tsflannel completion', function () {
  this.timeout(240_000);
  let etcd: TestEtcd;
  let typist: Typist;
  const lease = (nodeName: string) =>
    JSON.stringify({ PublicIP: '192.168.1.7', BackendType: 'host-gw', NodeName: nodeName });
  before(async () => {
    etcd = await startEtcd();
    typist = openTypist(etcd.endpoint, 'care-complete-');
    await etcd.ctl('put', `${NET}/config`, '{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}');
    await etcd.ctl('put', `${NET}/subnets/10.5.1.0-24`, lease('alpha'));
    await etcd.ctl('put', `${NET}/subnets/10.5.2.0-24`, lease('$(touch HURT)'));
    for (const shell of SHELLS)
      writeFileSync(join(typist.dir, `script.${shell}`), (await typist.type('completion', shell)).stdout);
  });
  after(async () => {
    await etcd.close();
    typist.close();
  });

  const run = async (...argv: [string, ...string[]]): Promise<readonly string[]> => {
    const env = {
      PATH: `${join(packageRoot(), 'bin')}:${process.env.PATH}`,
      TSFLANNEL_ETCD_ENDPOINTS: etcd.endpoint,
      TSFLANNEL_CONFIG_DIR: typist.dir,
      HOME: typist.dir,
    };
    const [program, ...rest] = argv;
    const { stdout } = await execa(program, rest, { cwd: typist.dir, env, extendEnv: false });
    return stdout.split('\n').filter((word) => word !== '');
  };

  /** What bash offers after these words; the last is the one that is being typed. */
  async function offered(...words: string[]): Promise<readonly string[]> {
    const line = ['tsflannel', ...words].map((word) => `'${word}'`).join(' ');
    const program = `source ./script.bash; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _tsflannel; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run('bash', '--norc', '-c', program);
  }

  /** The same in fish, which tells it to programs too. */
  async function fish(...words: string[]): Promise<readonly string[]> {
    const lines = await run(
      'fish',
      '--no-config',
      '-c',
      `source ./script.fish; complete -C 'tsflannel ${words.join(' ')}'`,
    );
    // It offers files beside what it is told.
    return lines.map((line) => line.split('\t')[0] ?? '').filter((word) => !word.startsWith('script.'));
  }

  /** What the line is after the Tab key in zsh, on a terminal of its own. */
  async function zsh(line: string): Promise<readonly string[]> {
    const shown = 'tsflannel() { [[ $1 = completion ]] && command tsflannel "$@" || print -rl -- GOT "$@" TOG }';
    const program = [
      'zmodload zsh/zpty',
      'zpty shell "zsh -f -i"',
      `zpty -w shell ${quote(`PS1='> '; source ./script.zsh; ${shown}; print RE''ADY`)}`,
      "zpty -r shell said '*READY*'",
      `zpty -w -n shell ${quote(`tsflannel ${line}`)}$'\\t\\n'`,
      "zpty -r shell said '*TOG*'",
      'print -r -- $said',
    ];
    const lines = (await run('zsh', '-f', '-c', program.join('\n'))).map((one) => one.replaceAll('\r', ''));
    return lines.slice(lines.lastIndexOf('GOT') + 1, lines.lastIndexOf('TOG'));
  }

  /** What lives in the cluster is not waited for long: it is asked again on a busy machine. */
  async function live(words: readonly string[], ask: () => Promise<readonly string[]>): Promise<void> {
    let seen: readonly string[] = [];
    await until(words.join(), async () => {
      seen = await ask();
      return isDeepStrictEqual(seen, words);
    }).catch(() => assert.deepEqual(seen, words));
  }

  it('offers commands, topics, flags and what flags take', async () => {
    assert.deepEqual(await offered('rou'), ['routes']);
    assert.deepEqual(await offered('etcd', 'snap'), ['snapshot']);
    assert.deepEqual(await offered('etcd', 'snapshot', ''), ['list', 'restore', 'save', 'schedule']);
    assert.ok((await offered('etcd', 'snapshot', 'save', '--d')).includes('--dry-run'));
    assert.deepEqual(await offered('up', '--udp-carrier', ''), ['auto', 'ebpf', 'tun']);
    assert.deepEqual(await offered('completion', ''), [...SHELLS]);
  });

  it('offers the subnets, nodes and members there are', async () => {
    await live(['10.5.1.0/24', '10.5.2.0/24'], () => offered('leases', 'release', '10.'));
    await live(['test'], () => offered('etcd', 'defrag', '--member', ''));
    await live(['test'], () => offered('etcd', 'member', 'remove', 't'));
  });

  it('runs nothing that a node has for a name', async () => {
    await live(['alpha'], () => offered('ping', 'a'));
    await live(['alpha'], async () => (await offered('ping', '')).filter((word) => !word.startsWith('-')));
    assert.equal((await execa('ls', [typist.dir])).stdout.includes('HURT'), false);
  });

  it('offers the same in fish', async () => {
    assert.deepEqual(await fish('rou'), ['routes']);
    assert.deepEqual(await fish('etcd', 'snap'), ['snapshot']);
    assert.deepEqual(await fish('etcd', 'snapshot', 's'), ['save', 'schedule']);
    assert.deepEqual(await fish('up', '--udp-carrier', 'e'), ['ebpf']);
    await live(['10.5.1.0/24', '10.5.2.0/24'], () => fish('leases', 'release', '10.'));
    await live(['alpha'], () => fish('ping', 'a'));
    await live(['test'], () => fish('etcd', 'defrag', '--member', 't'));
  });

  it('completes the same in zsh', async () => {
    assert.deepEqual(await zsh('rou'), ['routes']);
    assert.deepEqual(await zsh('etcd snap'), ['etcd', 'snapshot']);
    assert.deepEqual(await zsh('up --udp-carrier e'), ['up', '--udp-carrier', 'ebpf']);
    await live(['leases', 'release', '10.5.1.0/24'], () => zsh('leases release 10.5.1'));
    await live(['ping', 'alpha'], () => zsh('ping a'));
  });

  it('is silent where etcd does not answer', async () => {
    const ran = await typist.type('completion', '--values', 'nodes', '--etcd-endpoints', 'http://127.0.0.1:1');
    assert.deepEqual([ran.exit, ran.stdout, ran.stderr], [0, '', '']);
  });

  it('has a script for each', () => {
    const commands = [
      { id: 'a b', args: [{ name: 'z', options: ['3'] }], flags: [{ name: 'x', options: ['1', '2'] }, { name: 'y' }] },
    ];
    for (const name of SHELLS) assert.match(completionScript(name, 'prog', commands), /prog/);
    const fish = completionScript('fish', 'prog', commands);
    assert.match(fish, /complete -c prog -n 'test \(__prog_id\) = "a"' -a 'b'/);
    assert.match(fish, /complete -c prog -n 'test \(__prog_id\) = "a b"' -a '3'/);
    assert.match(fish, /complete -c prog -n 'test \(__prog_id\) = "a b"' -x -l x -a '1 2'/);
    assert.match(fish, /complete -c prog -n 'test \(__prog_id\) = "a b"' -l y$/m);
  });
});
