import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Rings when somebody else changes a file that is ours to keep: looking at it every half a minute only is too seldom for who reads it. */
export interface FileBell {
  /** These are the files; asked again after their folder was made anew. */
  follow(paths: readonly string[]): void;
  /** What happens until `settle` is our own doing. */
  begin(): void;
  settle(): void;
  close(): void;
}

interface Folder {
  readonly inode: number;
  readonly watcher: FSWatcher;
}

/** Tells one state of a file from the next. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.ino} ${stat.ctimeNs}` : 'absent';
}

export function openFileBell(ring: () => void): FileBell {
  const folders = new Map<string, Folder>();
  const stamps = new Map<string, string>();
  let busy = false;

  function hear(path: string): void {
    if (busy || !stamps.has(path) || stamps.get(path) === stampOf(path)) return;
    stamps.set(path, stampOf(path));
    ring();
  }

  function open(folder: string): void {
    const inode = statSync(folder, { throwIfNoEntry: false })?.ino;
    if (folders.get(folder)?.inode === inode) return;
    folders.get(folder)?.watcher.close();
    folders.delete(folder);
    if (inode === undefined) return;
    const watcher = watch(folder, { persistent: false }, (_, name) => {
      for (const path of stamps.keys())
        if (dirname(path) === folder && (name === null || name === basename(path))) hear(path);
    });
    watcher.on('error', () => undefined); // the next look at the file finds what has changed
    folders.set(folder, { inode, watcher });
  }

  return {
    follow(paths) {
      for (const path of paths) {
        try {
          open(dirname(path));
        } catch {
          continue; // no inotify to be had: the file is looked at now and then all the same
        }
        if (!stamps.has(path)) stamps.set(path, stampOf(path));
      }
    },
    begin() {
      busy = true;
    },
    settle() {
      for (const path of stamps.keys()) stamps.set(path, stampOf(path));
      busy = false;
    },
    close() {
      for (const { watcher } of folders.values()) watcher.close();
      folders.clear();
    },
  };
}
