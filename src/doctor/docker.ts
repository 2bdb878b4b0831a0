/** Docker as `docker status` compares it with the lease: each check here is about some of its rows. */
import type { DockerRow } from '../model/report.ts';
import { type Check, fail, faults, ok, on, skip, type Verdict } from './check.ts';
import type { Evidence } from './evidence.ts';

const textOf = ({ what, expected, found }: DockerRow): string =>
  expected === '' ? `${what}: ${found}` : `${what} is ${found}, not ${expected}`;

/** Judges the rows of these names; what differs brings the commands that put it right. */
const rowsNamed =
  (names: RegExp, fine: string) =>
  ({ docker }: Evidence): Verdict =>
    on(docker, (rows) => {
      const mine = rows.filter(({ what }) => names.test(what));
      const wrong = mine.filter(({ state }) => state !== 'ok');
      if (mine.length === 0) return skip('Docker says nothing of it');
      const verdict = faults(wrong.map(textOf), fine);
      return wrong.length === 0 ? verdict : { ...verdict, fix: [...new Set(wrong.flatMap(({ fix = [] }) => fix))] };
    });

/** A comparison that is left out where there is nothing to compare. */
const rowsIfAny =
  (names: RegExp, fine: string) =>
  (evidence: Evidence): Verdict => {
    const { docker } = evidence;
    if ('seen' in docker && !docker.seen.some(({ what }) => names.test(what))) return ok(fine);
    return rowsNamed(names, fine)(evidence);
  };

function running({ docker }: Evidence): Verdict {
  return on(docker, (rows) => {
    const row = rows.find(({ what }) => what === 'dockerd');
    if (!row) return skip('it was not looked for');
    return row.state === 'ok' ? ok(row.found) : fail(row.found, ...(row.fix ?? []));
  });
}

export const dockerChecks: readonly Check[] = [
  {
    id: 'docker',
    group: 'docker',
    title: 'Docker runs and answers',
    why: 'its options cannot be compared with the lease',
    fix: ['systemctl status docker', 'tsflannel docker status'],
    judge: running,
  },
  {
    id: 'docker0',
    group: 'docker',
    title: 'docker0 is in the leased subnet',
    why: 'containers have addresses that other nodes do not know; after a boot Docker may have come before the daemon (flannel-io/flannel#1393)',
    fix: ['tsflannel docker apply'],
    judge: rowsNamed(/^docker0$/, 'docker0 has the first address of the lease'),
  },
  {
    id: 'docker-options',
    group: 'docker',
    title: 'Docker runs with the options of the lease',
    why: 'at its next start docker0 would get another subnet, or containers another MTU; packets that are masqueraded twice hide who sent them',
    fix: ['tsflannel docker apply', 'tsflannel docker status'],
    judge: rowsNamed(
      /^(?:bip|mtu|ip-masq|allow-direct-routing|running dockerd)$/,
      'its options are those of the lease',
    ),
  },
  {
    id: 'docker-mtu',
    group: 'docker',
    title: 'docker0 has the network’s MTU',
    why: 'containers that were started before Docker had the MTU send packets that do not fit through the tunnel: connections hang',
    fix: ['tsflannel docker status', 'tsflannel docker apply'],
    judge: rowsIfAny(/^docker0 mtu$/, 'no container runs, or docker0 has it'),
  },
  {
    id: 'docker-networks',
    group: 'docker',
    title: 'Docker’s other networks take no subnets of other nodes',
    why: 'Docker gives its own networks 172.18.0.0/16 and up: containers could not reach the nodes that lease those',
    fix: ['docker network ls', 'tsflannel docker status'],
    judge: rowsIfAny(/^network /, 'none is in the network'),
  },
  {
    id: 'docker-raw',
    group: 'docker',
    title: 'packets from other nodes reach containers',
    why: 'Docker 28 and newer drop packets to a container’s address that do not come through its own bridge',
    fix: ['tsflannel docker apply', 'iptables -t raw -S PREROUTING'],
    judge: rowsIfAny(/^from other nodes$/, 'no rule drops them'),
  },
];
