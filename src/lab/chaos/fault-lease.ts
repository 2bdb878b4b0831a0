import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from './chaos.ts';
import {
  dropStranger,
  etcdLease,
  keyOf,
  routesOf,
  STRANGER,
  type Stranger,
  strangerValue,
  subnetNow,
  VICTIM,
} from './parts.ts';
import type { Stage } from './stage.ts';
import { DEVICES } from './ways.ts';

/** Rows about the node's lease in etcd: lost, deleted, taken. */

const anyGap = Number.POSITIVE_INFINITY;
const ip = '198.18.0.77';

/** The victim's subnet, which a stranger has taken. */
let taken: Stranger & { readonly modified: string } = { subnet: '', publicIp: ip, modified: '' };

const modifiedOf = async ({ etcdctl }: Stage, subnet: string): Promise<string> =>
  /"ModRevision" : (\d+)/.exec(await etcdctl('get', keyOf(subnet), '-w', 'fields'))?.[1] ?? '';

/** The revision is the put's own: who was overwritten may write again at once. */
async function take(stage: Stage, subnet: string): Promise<void> {
  const value = strangerValue(stage.backend, { subnet, publicIp: ip });
  const said = await stage.etcdctl('put', keyOf(subnet), value, '-w', 'fields');
  taken = { subnet, publicIp: ip, modified: /"Revision" : (\d+)/.exec(said)?.[1] ?? '' };
}

/** The victim lives by another subnet now, and has not written to its former key. */
const yielded = async (stage: Stage): Promise<boolean> => (await subnetNow(stage, VICTIM)) !== taken.subnet;

async function checkUntouched(stage: Stage): Promise<void> {
  const now = await modifiedOf(stage, taken.subnet);
  await dropStranger(stage, taken);
  stage.expect(now === taken.modified, `the new owner's key was written to at revision ${now}`);
}

/** The victim's subnet, whose key goes. */
let lost = '';

const keyGone = (name: string, about: string, go: (stage: Stage, key: string) => Promise<unknown>): Fault => ({
  row: 11,
  name,
  about: `${about}; the same subnet is claimed again`,
  budget: () => ({ gapMs: 2_000, healMs: 2_000 }),
  hits: [VICTIM],
  async run(stage) {
    lost = await subnetNow(stage, VICTIM);
    await go(stage, keyOf(lost));
  },
  healed: async (stage) => (await modifiedOf(stage, lost)) !== '' && (await subnetNow(stage, VICTIM)) === lost,
});

const revoked = keyGone('lease-revoked', 'the etcd lease is revoked by hand', async (stage, key) =>
  stage.etcdctl('lease', 'revoke', await etcdLease(stage, key)),
);

const deleted = keyGone('key-deleted', "the lease's key is deleted by hand", (stage, key) => stage.etcdctl('del', key));

const overwritten: Fault = {
  row: 11,
  name: 'key-overwritten',
  about: 'a stranger writes over the lease; the node yields and takes another subnet',
  budget: () => ({ gapMs: anyGap, healMs: 2_000 }),
  hits: [VICTIM],
  run: async (stage) => take(stage, await subnetNow(stage, VICTIM)),
  healed: yielded,
  undo: checkUntouched,
};

const stoppedPastTtl: Fault = {
  row: 10,
  name: 'stopped-past-ttl',
  about: 'SIGSTOP until the lease is gone and the subnet another’s, SIGCONT: no write to that key, another subnet',
  budget: () => ({ gapMs: anyGap, healMs: 2_000 }),
  hits: [VICTIM],
  async run(stage) {
    const subnet = await subnetNow(stage, VICTIM);
    const pid = stage.subject.pid(stage.node(VICTIM));
    stage.expect(pid !== undefined, 'no daemon runs');
    process.kill(pid as number, 'SIGSTOP');
    try {
      await stage.etcdctl('lease', 'revoke', await etcdLease(stage, keyOf(subnet)));
      await take(stage, subnet);
      await stage.pause(1_000);
    } finally {
      process.kill(pid as number, 'SIGCONT');
    }
  },
  healed: yielded,
  undo: checkUntouched,
};

const sameAddress: Fault = {
  row: 21,
  name: 'same-public-ip',
  about: 'a node is started with the address of another one: it is refused, and the first owner loses nothing',
  budget: (backend) => ({ gapMs: backend === 'udp' ? 10_000 : 0, healMs: 1_000 }),
  hits: [VICTIM],
  async run({ kill, subject, start, node, expect }) {
    await kill(VICTIM, 'SIGTERM');
    const isRefused = await subject.isRefused(node(VICTIM), node(1).ip);
    await start(VICTIM);
    expect(isRefused, 'it is not refused');
  },
};

const stateOf = ({ node }: Stage, number: number): string => join(node(number).dir, 'state');

const cloned: Fault = {
  row: 21,
  name: 'cloned-node-id',
  about:
    'a node is started with the state folder of another, as from a copied disk: it gets an id and a subnet of its own',
  budget: (backend) => ({ gapMs: backend === 'host-gw' || backend === 'vxlan' ? anyGap : 10_000, healMs: 2_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const [first, own] = [await subnetNow(stage, 1), stateOf(stage, VICTIM)];
    await stage.kill(VICTIM, 'SIGTERM');
    await rename(own, `${own}.kept`);
    await cp(stateOf(stage, 1), own, { recursive: true });
    await stage.start(VICTIM);
    stage.expect((await subnetNow(stage, VICTIM)) !== first, `both have ${first}`);
    stage.expect((await subnetNow(stage, 1)) === first, 'the first owner has another subnet');
  },
  async undo(stage) {
    const own = stateOf(stage, VICTIM);
    await stage.run(VICTIM, 'tsflannel', 'down');
    await rm(own, { recursive: true, force: true });
    await rename(`${own}.kept`, own);
    await stage.start(VICTIM);
  },
};

const sameMac: Fault = {
  row: 21,
  name: 'same-mac',
  about: 'a stranger leases a subnet with the MAC of another node: its older owner keeps it',
  backends: ['vxlan'],
  budget: () => ({ gapMs: 0, healMs: 1_000 }),
  ownOnly: true,
  async run(stage) {
    const [link] = JSON.parse(await stage.run(3, 'ip', '-j', 'link', 'show', DEVICES.vxlan)) as { address: string }[];
    const value = strangerValue(stage.backend, STRANGER).replace(/02:be:[0-9a-f:]+/, link?.address ?? '');
    await stage.etcdctl('put', keyOf(STRANGER.subnet), value);
    const rowOf = async (number: number) =>
      (await routesOf(stage, number)).find(({ subnet }) => subnet === STRANGER.subnet);
    await stage.until('the stranger is known', async () => (await rowOf(VICTIM)) !== undefined);
    const row = await rowOf(VICTIM);
    stage.expect(row?.state !== 'ok', `the stranger is reached: ${JSON.stringify(row)}`);
  },
  undo: (stage) => dropStranger(stage, STRANGER),
};

const HOSTILE: readonly string[] = [
  ...[
    '',
    'x',
    '{}',
    '[]',
    'null',
    '1e400',
    '{"PublicIP":1}',
    '{"PublicIP":"$(touch /x)"}',
    '{"PublicIP":"; rm -rf /"}',
  ],
  ...['{"PublicIP":"--help"}', '{"PublicIP":"010.0.0.1"}', '{"PublicIP":"::1"}', '{"PublicIP":"127.0.0.1"}'],
  ...['{"PublicIP":"224.0.0.1"}', '{"PublicIP":"169.254.0.1"}', '{"PublicIP":"0.0.0.0"}', '{"PublicIP":"10.97.1.1"}'],
  ...['{"PublicIP":"198.18.0.78","__proto__":{"x":1},"PublicIP":[]}', '['.repeat(20_000), '{"PublicIP":"١٩٨.18.0.1"}'],
  ...['{"PublicIP":"198.18.0.78\\u0000"}', '{"PublicIP":"198.18.0.78\\n10.0.0.0/8"}'],
];
/** Keys that are no subnets of this network, each with a value that would do. */
const HOSTILE_KEYS: readonly string[] = [
  ...['10.97.0.0-16', '10.96.1.0-24', '0.0.0.0-0', '10.97.249.7-24', '10.97.249.0-33', 'x', '$(id)-24'],
  ...['127.0.0.0-24', '198.18.0.0-24', '010.97.249.0-24', '../config'],
];

const hostileKey = (i: number): string => keyOf(`10.97.250.${i}/32`).replace(/250\.\d+-32/, `${200 + i}.0-24`);

const hostile: Fault = {
  row: 19,
  name: 'hostile-leases',
  about: `${HOSTILE.length} values and ${HOSTILE_KEYS.length} keys that are no leases are written; none of them reaches the kernel`,
  budget: () => ({ gapMs: 0, healMs: 1_000 }),
  async run({ etcdctl, backend, run, pause, expect }) {
    const routes = async () => (await run(VICTIM, 'ip', 'route', 'show', 'table', 'all')).split('\n');
    const before = await routes();
    for (const [i, value] of HOSTILE.entries()) await etcdctl('put', '--', hostileKey(i), value);
    const fine = strangerValue(backend, { subnet: '', publicIp: '198.18.0.79' });
    for (const name of HOSTILE_KEYS) await etcdctl('put', '--', `${keyOf('')}${name}`, fine);
    await pause(1_000);
    const after = await routes();
    const changed = [
      ...after.filter((line) => !before.includes(line)),
      ...before.filter((line) => !after.includes(line)),
    ];
    expect(changed.length === 0, `routes changed: ${changed.join(', ')}`);
  },
  async undo({ etcdctl }) {
    for (const [i] of HOSTILE.entries()) await etcdctl('del', hostileKey(i));
    for (const name of HOSTILE_KEYS) await etcdctl('del', '--', `${keyOf('')}${name}`);
  },
};

export const LEASE_FAULTS: readonly Fault[] = [
  stoppedPastTtl,
  revoked,
  deleted,
  overwritten,
  hostile,
  sameAddress,
  cloned,
  sameMac,
];
