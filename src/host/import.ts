import { applyImport, type ImportPlan, type LeaseStep, planImport } from '../config/import.ts';
import type { V2Store } from '../config/v2.ts';
import type { EtcdFlags } from '../output/flags.ts';
import type { Store } from '../store/store.ts';
import { resolveConnection } from './connection.ts';
import { openStoreAt } from './node.ts';
import { readV2, type Source } from './v2.ts';

/** An import that is planned; `close` ends it. */
export interface Import {
  readonly from: V2Store;
  readonly plan: ImportPlan;
  apply(): Promise<readonly LeaseStep[]>;
  close(): void;
}

/** Reads the old store and plans what is to be written into the new one. Rejects with USAGE, IMPORT_FAILED, ETCD_UNREACHABLE, IMPORT_CONFLICT. */
export async function openImport(flags: EtcdFlags, source: Source, force: boolean): Promise<Import> {
  const connection = await resolveConnection(flags);
  const from = await readV2(source, connection.prefix);
  const store: Store = await openStoreAt(connection);
  try {
    const plan = await planImport(store, from, force);
    return { from, plan, apply: () => applyImport(store, plan), close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}
