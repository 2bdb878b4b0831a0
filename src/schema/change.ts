/** What the commands print that change the cluster: etcd's keys and members, snapshots, tokens, config and leases. */
import type { LeaseStep } from '../config/import.ts';
import type { Defragmented } from '../etcd/care.ts';
import type { Schedule } from '../etcd/schedule.ts';
import type { Seen } from '../host/keys.ts';
import type { KeyValue } from '../store/kv.ts';
import type { Meaning } from '../store/meaning.ts';
import {
  count,
  decimal,
  flag,
  hex,
  list,
  object,
  objectOf,
  optional,
  orNull,
  type Properties,
  type PropertiesOf,
  real,
  text,
  time,
  word,
} from './build.ts';
import { alarms } from './cluster.ts';
import { network } from './host.ts';

const changed = flag('or, in a dry run, would be');
const dryRun = optional(flag());

const meaning = objectOf<Meaning>({
  kind: word('config', 'lease', 'other'),
  text: text(),
  invalid: optional(text('why flannel would not take it')),
});
const keyValue: PropertiesOf<KeyValue> = {
  key: text(),
  value: text(),
  createRevision: decimal(),
  modRevision: decimal(),
  version: decimal(),
  lease: decimal('"0": the key has no TTL'),
};
export const etcdGet: Properties = {
  keys: list(object({ ...keyValue, meaning, left: optional(real('seconds')) })),
};
const seen: PropertiesOf<Seen> = {
  event: word('is', 'put', 'delete'),
  key: text(),
  revision: decimal(),
  value: optional(text()),
  meaning: optional(meaning),
};
/** Of each line. */
export const etcdWatch: Properties = seen;

/** Of put and del. */
export const keyChange: Properties = {
  changed,
  key: text(),
  before: orNull(text('the value it had')),
  warnings: list(text()),
  dryRun,
  revision: optional(decimal('of the change')),
};

export const compact: Properties = { revision: decimal(), dryRun };
const defragmented = objectOf<Defragmented>({ name: text(), before: decimal('bytes'), after: decimal('bytes') });
export const defrag: Properties = { members: list(defragmented), dryRun };
export const alarmList: Properties = { alarms };
export const alarmDisarm: Properties = {
  changed,
  dryRun,
  disarmed: list(object({ member: hex(), kind: text() })),
};

export const memberAdd: Properties = {
  changed,
  dryRun,
  id: orNull(hex()),
  learner: flag(),
  initialCluster: text(),
  next: list(text(), 'what to type on its host'),
};
export const memberChange: Properties = { changed, dryRun, id: hex(), name: text() };
export const memberRemove: Properties = { ...memberChange, id: orNull(hex()) };
export const memberReplace: Properties = {
  changed,
  dryRun,
  removed: hex('the lost one'),
  id: optional(orNull(hex('its successor'))),
  initialCluster: optional(text()),
  next: optional(list(text(), 'what to type on its host')),
};

export const snapshotSave: Properties = {
  file: text(),
  revision: decimal(),
  dryRun,
  dbSize: optional(decimal('bytes, in a dry run')),
  bytes: optional(count()),
  sha256: optional(hex()),
  removed: optional(list(text())),
};
const schedule = orNull(
  objectOf<Schedule>({ runner: word('systemd', 'supervisor'), dir: text(), everySeconds: count(), keep: count() }),
);
export const snapshotList: Properties = {
  dir: text(),
  snapshots: list(object({ file: text(), taken: time(), bytes: count(), whole: optional(flag('with --verify')) })),
  schedule,
  overdue: flag(),
};
export const snapshotSchedule: Properties = {
  changed,
  schedule,
  command: optional(orNull(list(text()))),
  dryRun,
};
export const snapshotRestore: Properties = {
  dataDir: text(),
  sha256: hex('of the file'),
  cluster: text('as --initial-cluster'),
  dryRun,
  kept: optional(orNull(text('where what was there is'))),
};
export const etcdStop: Properties = { changed, stopped: flag(), removed: list(text()), dryRun, dataDir: text() };

export const tokenCreate: Properties = {
  changed,
  dryRun,
  id: optional(text('absent from a dry run')),
  purpose: text(),
  token: optional(text('a secret; absent from a dry run')),
  expires: time(),
};
export const tokenRevoke: Properties = { changed, dryRun, revoked: text('its id') };

const notes = list(text());
export const configSet: Properties = { changed, dryRun, raw: text('as it stands in etcd'), notes, ...network };
const action = word('write', 'overwrite', 'same', 'kept', 'refused');
const importedLease: PropertiesOf<Pick<LeaseStep, 'name' | 'action' | 'ttl' | 'reason'>> = {
  name: text('its key'),
  action,
  ttl: optional(real('seconds it will live; absent: for good')),
  reason: optional(text('why it is kept or refused')),
};
export const configImport: Properties = {
  changed,
  dryRun,
  config: object({ action: word('write', 'overwrite', 'same'), raw: text() }),
  leases: list(object(importedLease)),
  others: list(text(), 'networks that are left'),
  strays: list(text(), 'keys that are none of flannel'),
};
export const configValidate: Properties = { valid: flag(), notes, ...network };
export const leasesRelease: Properties = {
  changed,
  dryRun,
  released: list(text()),
  kept: list(text(), 'that have changed meanwhile'),
};
export const leasesReserve: Properties = { changed, dryRun, subnet: text() };
