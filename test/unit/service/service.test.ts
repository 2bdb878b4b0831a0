/** The files of each init, judged by the programs that read them; cloud-init's user-data as YAML. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { cloudConfig } from '../../../src/service/cloud-init.ts';
import { findInit, install, serviceState, uninstall } from '../../../src/service/manage.ts';
import { INITS, servicePlan } from '../../../src/service/service.ts';

const FLAGS = ['--ip-masq', '--iface', "a b'c", '--iface-regex', '^e%t"h$'];
const parseYaml = (text: string): unknown =>
  (createRequire(import.meta.url)('js-yaml') as { load(text: string): unknown }).load(text);

describe('service install', () => {
  let root = '';
  const quiet = { notice: () => undefined };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'service-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('writes a unit that systemd-analyze finds no fault with', async () => {
    const { files } = await servicePlan('systemd', FLAGS);
    const unit = files[0];
    assert.ok(unit);
    const path = join(root, 'tsflannel.service');
    await writeFile(path, unit.content);
    // Units beside it, of this machine, are not the matter.
    const faults = async () =>
      (await execa('systemd-analyze', ['verify', '--man=no', path], { all: true, reject: false })).all
        .split('\n')
        .filter((line) => line.includes('tsflannel'));
    assert.deepEqual(await faults(), []);
    await writeFile(path, unit.content.replace('Restart=on-failure', 'Restart=now-and-then'));
    assert.notDeepEqual(await faults(), []);
    assert.match(unit.content, /^ExecStart=.*"--iface-regex" "\^e%%t\\"h\$\$"$/m);
  });

  it('writes scripts that a shell reads, whatever the flags are', async () => {
    for (const init of ['openrc', 'sysvinit'] as const) {
      const [file] = (await servicePlan(init, FLAGS)).files;
      assert.ok(file);
      const path = join(root, init);
      await writeFile(path, file.content);
      for (const shell of ['sh', 'bash']) await execa(shell, ['-n', path]);
      assert.match(file.content, /'--iface' 'a b'\\''c'/);
    }
  });

  it('installs into an image, says what is there, and takes away what is its own', async () => {
    for (const init of INITS) {
      const plan = await servicePlan(init, FLAGS);
      const plain = await servicePlan(init, []);
      const states = async () => (await serviceState(plain, { root })).files.map(({ state }) => state);
      assert.ok((await states()).every((state) => state === 'missing'));
      await install(plan, { root, ...quiet }, true);
      assert.ok(
        (await states()).every((state) => state === 'as written'),
        init,
      );
      const [first] = plan.files;
      assert.ok(first);
      assert.equal((await stat(join(root, first.path))).mode & 0o777, first.mode);
      await writeFile(join(root, first.path), `${first.content}# more\n`);
      assert.equal((await states())[0], 'changed');
      assert.equal((await uninstall(plain, { root, ...quiet })).length, plan.files.length);
      assert.deepEqual(await uninstall(plain, { root, ...quiet }), []);
    }
  });

  it('leaves files of others alone', async () => {
    const plan = await servicePlan('sysvinit', []);
    await mkdir(join(root, 'etc/init.d'), { recursive: true });
    assert.equal(await findInit({ root }), 'sysvinit');
    await writeFile(join(root, 'etc/init.d/tsflannel'), '#!/bin/sh\n');
    await assert.rejects(install(plan, { root, ...quiet }, true), { code: 'SERVICE' });
    assert.deepEqual(await uninstall(plan, { root, ...quiet }), []);
    assert.equal(await readFile(join(root, 'etc/init.d/tsflannel'), 'utf8'), '#!/bin/sh\n');
  });

  it('takes no password and no line break', async () => {
    for (const flag of ['--etcd-password=x', '-etcd-password', '--detach', '--adopt', 'a\nb'])
      await assert.rejects(servicePlan('systemd', [flag]), { code: 'USAGE' }, flag);
  });
});

interface UserData {
  readonly packages?: readonly string[];
  readonly write_files?: readonly { readonly path: string; readonly permissions: string; readonly content: string }[];
  readonly runcmd: readonly (readonly string[])[];
}

describe('cloud-init', () => {
  const common = {
    flags: ['--ip-masq', '--iface-regex', "it's: #1"],
    install: 'echo "a: b" # c',
    packages: ['etcd-server'],
  };

  it('makes the first node', () => {
    const text = cloudConfig({
      ...common,
      role: { kind: 'first', network: '172.17.0.0/16', backend: 'vxlan' },
      docker: true,
    });
    assert.ok(text.startsWith('#cloud-config\n'));
    assert.deepEqual(parseYaml(text), {
      packages: ['etcd-server'],
      runcmd: [
        ['sh', '-c', common.install],
        ['tsflannel', 'init', '--systemd', '--yes'],
        ['tsflannel', 'config', 'set', '--network', '172.17.0.0/16', '--backend', 'vxlan'],
        ['tsflannel', 'service', 'install', '--', ...common.flags],
        ['tsflannel', 'docker', 'apply', '--yes'],
      ],
    });
  });

  it('makes another one, its token in a file of root’s and on no command line', () => {
    const token = 'tsf1-secret-token';
    const data = parseYaml(cloudConfig({ ...common, role: { kind: 'join', token }, docker: false })) as UserData;
    const [file] = data.write_files ?? [];
    assert.deepEqual([file?.permissions, file?.content], ['0600', `${token}\n`]);
    assert.ok(!JSON.stringify(data.runcmd).includes(token));
    assert.ok(data.runcmd.some((words) => words.join(' ') === `sh -c tsflannel join --systemd - < ${file?.path}`));
  });

  it('takes an installation of one line', () => {
    const role = { kind: 'first', network: '172.17.0.0/16' } as const;
    assert.throws(() => cloudConfig({ ...common, role, install: 'a\nb', docker: true }), { code: 'USAGE' });
  });
});
