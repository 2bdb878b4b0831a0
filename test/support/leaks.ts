/** The last line of every test that touches a host; the chaos lab looks with the same eyes. */
export { commandsOnly, difference, type Snapshot, type SnapshotOptions, snapshot } from '../../src/lab/snapshot.ts';
