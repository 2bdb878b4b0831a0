import { readdir } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { isMissing } from '../files/atomic.ts';
import { type Member, memberFile } from './member.ts';
import { readMember } from './member-file.ts';

/** What stands at a data dir. */
export type DataDir =
  /** Nothing, and no marker. */
  | { readonly state: 'empty' }
  /** Made by `init`; etcd has not begun to use it (it waits for the others). */
  | { readonly state: 'prepared'; readonly member: Member }
  /** Made by `init`, with etcd's data in it. */
  | { readonly state: 'ours'; readonly member: Member }
  /** Made by `init`; the cluster has been healthy, and now the data is gone. */
  | { readonly state: 'lost'; readonly member: Member }
  /** Data of somebody else. */
  | { readonly state: 'foreign'; readonly detail: string };

async function entriesOf(dir: string): Promise<readonly string[]> {
  try {
    // A data dir may be the root of a file system of its own.
    return (await readdir(dir)).filter((name) => name !== 'lost+found');
  } catch (error) {
    if (isMissing(error)) return [];
    throw new TsflannelError('FILE_UNREADABLE', { file: dir, detail: (error as Error).message }, error);
  }
}

/** Looks at the data dir and at the marker beside it. Rejects with MEMBER_FILE_INVALID or FILE_UNREADABLE. */
export async function inspectDataDir(dir: string): Promise<DataDir> {
  const member = await readMember(memberFile(dir));
  const entries = await entriesOf(dir);
  if (!member && entries.length === 0) return { state: 'empty' };
  if (!member)
    return {
      state: 'foreign',
      detail: `it holds ${entries.slice(0, 5).join(', ')} and was not made by tsflannel init`,
    };
  if (member.dataDir !== dir)
    return { state: 'foreign', detail: `its marker says that it was made for ${member.dataDir}` };
  if (entries.includes('member')) return { state: 'ours', member };
  return member.clusterId === undefined ? { state: 'prepared', member } : { state: 'lost', member };
}
