/** etcd, endpoint by endpoint and step by step: name, TCP, TLS, answer, leader, clock. */
import { printable } from '../model/parsed.ts';
import { type Check, fail, faults, ok, on, skip, type Verdict, warn } from './check.ts';
import { withStatus } from './etcd-status.ts';
import type { EndpointEvidence, Evidence, Looked } from './evidence.ts';

const each = ({ etcd }: Evidence, fine: string, fault: (endpoint: EndpointEvidence) => string | undefined): Verdict =>
  on(etcd, ({ endpoints }) =>
    faults(
      endpoints.flatMap((one) => fault(one) ?? []),
      fine,
    ),
  );

/** The reason of a step that was tried and failed; a step that was not reached has no code. */
const reason = (looked: Looked<unknown>): string | undefined =>
  'unseen' in looked && looked.code !== undefined ? looked.unseen : undefined;

const at = ({ url }: EndpointEvidence, text: string | undefined): string | undefined =>
  text === undefined ? undefined : `${url}: ${text}`;

const names = (evidence: Evidence): Verdict =>
  each(evidence, 'every endpoint has an address', (one) => at(one, reason(one.addresses)));

const tcp = (evidence: Evidence): Verdict =>
  each(evidence, 'every endpoint takes connections', (one) => at(one, reason(one.tcp)));

function tls(evidence: Evidence): Verdict {
  return on(evidence.etcd, ({ endpoints }) => {
    if (!endpoints.some(({ endpoint }) => endpoint.secure)) return skip('the endpoints are http://');
    return each(evidence, 'every endpoint shows a certificate that we trust', (one) =>
      at(one, 'seen' in one.tls ? one.tls.seen.distrust : reason(one.tls)),
    );
  });
}

function tlsFiles({ etcd }: Evidence): Verdict {
  return on(etcd, ({ files }) => {
    if (!('seen' in files)) return fail(files.unseen);
    return ok(files.seen.length === 0 ? 'none are given' : 'they are certificates, and the key fits');
  });
}

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

function expiry({ etcd, host }: Evidence): Verdict {
  return on(etcd, ({ endpoints, files }) => {
    const ours = 'seen' in files ? files.seen : [];
    const theirs = endpoints.flatMap(({ url, tls: seen }) => ('seen' in seen ? [{ path: url, ...seen.seen }] : []));
    const all = [...ours, ...theirs];
    if (all.length === 0) return skip('no certificates are in use');
    const now = host.now.getTime();
    const early = ours.filter(({ validFrom }) => validFrom.getTime() > now);
    if (early[0]) return fail(`${early[0].path} is valid from ${early[0].validFrom.toISOString()} on only`);
    const days = (end: Date) => Math.floor((end.getTime() - now) / DAY_MS);
    const [first] = [...all].sort((a, b) => a.validTo.getTime() - b.validTo.getTime());
    if (!first) return skip('no certificates are in use');
    const left = days(first.validTo);
    const text = `${first.path} ${left < 0 ? 'expired' : 'expires'} ${first.validTo.toISOString()}`;
    return left < 0 ? fail(text) : left < SOON_DAYS ? warn(text) : ok(text);
  });
}

const answers = (evidence: Evidence): Verdict =>
  each(evidence, 'every endpoint answers', (one) => at(one, reason(one.status)));

const leader = (evidence: Evidence): Verdict =>
  withStatus(evidence, (list) =>
    faults(
      list.filter((one) => one.leader === 0n).map(({ url }) => `${url} knows no leader`),
      'the cluster has a leader',
    ),
  );

const oneCluster = (evidence: Evidence): Verdict =>
  withStatus(evidence, (list) => {
    const clusters = Map.groupBy(list, ({ clusterId }) => clusterId);
    if (clusters.size === 1) return ok(`all are of cluster ${list[0]!.clusterId.toString(16)}`);
    const text = [...clusters].map(([id, group]) => `${group.map(({ url }) => url).join(', ')} of ${id.toString(16)}`);
    return fail(`the endpoints are of ${clusters.size} clusters: ${text.join('; ')}`);
  });

const isOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major < 3 || (major === 3 && minor < 4);
};

const version = (evidence: Evidence): Verdict =>
  withStatus(evidence, (list) =>
    faults(
      list.filter((one) => isOld(one.version)).map((one) => `${one.url} runs ${printable(one.version)}`),
      `etcd ${[...new Set(list.map((one) => printable(one.version)))].join(', ')}`,
    ),
  );

const SKEW_SECONDS = 5;

function skew({ etcd }: Evidence): Verdict {
  return on(etcd, ({ endpoints }) => {
    const seen = endpoints.flatMap(({ url, skew: looked }) =>
      'seen' in looked ? [{ url, seconds: looked.seen }] : [],
    );
    if (seen.length === 0) return skip('no endpoint tells the time');
    return faults(
      seen
        .filter(({ seconds }) => Math.abs(seconds) > SKEW_SECONDS)
        .map(
          ({ url, seconds }) =>
            `the clock of ${url} is ${Math.abs(seconds)} s ${seconds > 0 ? 'before' : 'behind'} ours`,
        ),
      'the clocks of etcd’s hosts agree with ours',
      warn,
    );
  });
}

const clientConfig = ({ clientConfig: looked }: Evidence): Verdict =>
  'seen' in looked ? ok(looked.seen) : fail(looked.unseen);

export const etcdChecks: readonly Check[] = [
  {
    id: 'client-config',
    group: 'etcd',
    title: 'it is known where etcd is',
    why: 'client.json, which init and join write, or the flags name something that is no list of endpoints',
    fix: ['tsflannel init --help', 'tsflannel status --etcd-endpoints http://127.0.0.1:2379'],
    judge: clientConfig,
  },
  {
    id: 'etcd-names',
    group: 'etcd',
    title: 'the names of the endpoints lead to addresses',
    why: 'the name server does not know the name, or does not answer',
    fix: ['cat /etc/resolv.conf', 'tsflannel status --etcd-endpoints http://127.0.0.1:2379'],
    judge: names,
  },
  {
    id: 'etcd-tcp',
    group: 'etcd',
    title: 'the endpoints take connections',
    why: 'no etcd runs there, it listens at another address, or a filter is in between',
    fix: ['tsflannel etcd status', 'systemctl status etcd', 'tsflannel init --help'],
    judge: tcp,
  },
  {
    id: 'etcd-tls-files',
    group: 'etcd',
    title: 'our TLS files are usable',
    why: 'a path is wrong, a file is not PEM, the key is not that of the certificate, or TLS files are given for http:// endpoints',
    fix: ['tsflannel status --help', 'tsflannel init --help'],
    judge: tlsFiles,
  },
  {
    id: 'etcd-tls',
    group: 'etcd',
    title: 'TLS works with every endpoint',
    why: 'the CA is another, the certificate is for another name, etcd wants a certificate of ours, or it speaks plain HTTP',
    fix: ['tsflannel status --etcd-cafile /etc/tsflannel/pki/ca.crt --help', 'tsflannel init --help'],
    judge: tls,
  },
  {
    id: 'etcd-expiry',
    group: 'etcd',
    title: 'certificates are valid for a while yet',
    why: 'from the moment one expires nodes cannot renew their leases',
    fix: ['tsflannel join --help', 'tsflannel init --help'],
    judge: expiry,
  },
  {
    id: 'etcd-answers',
    group: 'etcd',
    title: 'the endpoints answer requests',
    why: 'the process hangs, its disk does, or something that is not etcd listens there',
    fix: ['tsflannel etcd status', 'systemctl status etcd'],
    judge: answers,
  },
  {
    id: 'etcd-leader',
    group: 'etcd',
    title: 'the cluster has a leader',
    why: 'without a majority of its members etcd takes no writes: leases end, nodes cannot join',
    fix: ['tsflannel etcd status', 'tsflannel etcd member replace --help'],
    judge: leader,
  },
  {
    id: 'etcd-cluster',
    group: 'etcd',
    title: 'all endpoints are of one cluster',
    why: 'a member was started anew on its own: nodes see different leases, whichever they ask',
    fix: ['tsflannel etcd status', 'tsflannel etcd member replace --help'],
    judge: oneCluster,
  },
  {
    id: 'etcd-version',
    group: 'etcd',
    title: 'etcd is 3.4 or newer',
    why: 'older versions lack calls that a node needs',
    fix: ['apt-get install etcd-server'],
    judge: version,
  },
  {
    id: 'skew',
    group: 'etcd',
    title: 'the clocks of this host and of etcd’s agree',
    why: 'one of them is wrong: certificates may seem expired or not valid yet, and logs cannot be compared',
    fix: ['timedatectl set-ntp true'],
    judge: skew,
  },
];
