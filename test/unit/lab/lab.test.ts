import assert from 'node:assert/strict';
import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimLab, type LabSpec, planLab } from '../../../src/lab/lab.ts';
import { nodeEnvironment } from '../../../src/lab/node.ts';

const SPEC: LabSpec = {
  ...{ name: 'lab', size: 3, backend: 'vxlan', network: '172.17.0.0/16' },
  ...{ etcdMembers: 3, discovery: false, docker: false, bare: false },
};
const plan = (change: Partial<LabSpec>) => planLab({ ...SPEC, ...change }, '/run/labs');

describe('lab: the plan', () => {
  it('names namespaces, addresses and folders from the lab and the number', () => {
    const lab = plan({});
    assert.equal(lab.underlay, 'lab-underlay');
    assert.deepEqual(lab.nodes[2], {
      ...{ name: 'n3', namespace: 'lab-n3', ip: '198.18.0.3', dir: '/run/labs/lab/n3', member: true },
    });
  });

  it('counts addresses over the octet, and gives etcd to the first nodes only', () => {
    const lab = plan({ size: 300 });
    assert.equal(lab.nodes[255]?.ip, '198.18.1.0');
    assert.deepEqual(
      lab.nodes.slice(0, 4).map((node) => node.member),
      [true, true, true, false],
    );
    assert.equal(new Set(lab.nodes.map((node) => node.ip)).size, 300);
  });

  it('refuses what no lab can be', () => {
    const refused: Partial<LabSpec>[] = [
      ...['', '..', '../x', 'Lab', '1lab', 'a/b', 'a b', 'a'.repeat(21)].map((name) => ({ name })),
      ...[{ size: 0 }, { size: 1001 }, { etcdMembers: 4 }, { etcdMembers: 0 }, { size: 20, etcdMembers: 8 }],
      ...['198.18.0.0/16', '198.18.7.0/24', '198.0.0.0/8'].map((network) => ({ network })),
    ];
    for (const change of refused) assert.throws(() => plan(change), { code: 'USAGE' }, JSON.stringify(change));
  });
});

describe('lab: the name', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-labs-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('is taken once', async () => {
    const lab = planLab(SPEC, dir);
    await claimLab(lab);
    await assert.rejects(claimLab(lab), { code: 'LAB_EXISTS' });
  });

  it('is taken though the last lab that ends takes the folder of all labs away meanwhile', async () => {
    const labs = join(dir, 'labs');
    let over = false;
    const ending = (async () => {
      while (!over) await rmdir(labs).catch(() => undefined);
    })();
    try {
      for (let i = 0; i < 30; i++) {
        const lab = planLab({ ...SPEC, name: `lab${i}` }, labs);
        await claimLab(lab);
        await rm(lab.dir, { recursive: true });
      }
    } finally {
      over = true;
      await ending;
    }
  });
});

describe('lab: the environment of a node', () => {
  const lab = plan({});
  const node = lab.nodes[0]!;
  const env = nodeEnvironment(lab, node, {
    PATH: '/bin',
    HOME: '/root',
    FLANNELD_IFACE: 'x',
    DOCKER_HOST: 'tcp://x',
    ETCD_NAME: 'x',
  });

  it('keeps every path of the node below its folder', () => {
    for (const [name, value] of Object.entries(env))
      if (/_(DIR|FILE|SOCKET|HOST)$/.test(name))
        assert.ok(value.replace('unix://', '').startsWith('/run/labs/lab/n1/'), `${name}=${value}`);
  });

  it('lets nothing in that means another cluster', () => {
    assert.equal(env.HOME, '/root');
    assert.equal(env.FLANNELD_IFACE, undefined);
    assert.equal(env.ETCD_NAME, undefined);
  });

  it('finds the tsflannel of this package first', () => {
    assert.match(env.PATH ?? '', /\/bin:\/bin$/);
  });

  it('keeps sockets within what the kernel takes', () => {
    const long = planLab({ ...SPEC, name: 'a'.repeat(20), size: 1000 }, '/run/tsflannel-lab');
    const socket = nodeEnvironment(long, long.nodes[999]!, {}).TSFLANNEL_DOCKER_SOCKET ?? '';
    assert.ok(socket.length < 100, socket);
  });
});
