/** A disk that calls back before and after each single write, sync and rename, so that a test can stop the world there. */
import type { Disk, WritableFile } from '../../src/storage/fileSystem.ts';
import { nodeDisk } from '../../src/storage/fileSystem.ts';

export type Operation =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly bytes: Uint8Array;
      readonly position: number;
      readonly file: WritableFile;
    }
  | { readonly kind: 'sync' | 'truncate' | 'create' | 'makeFolder' | 'syncFolder' | 'remove'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string };

export interface Hooks {
  before?(operation: Operation): Promise<void> | void;
  after?(operation: Operation): Promise<void> | void;
}

export function hookedDisk({ before, after }: Hooks): Disk {
  const around = async <T>(operation: Operation, action: () => Promise<T>): Promise<T> => {
    await before?.(operation);
    const result = await action();
    await after?.(operation);
    return result;
  };
  const hooked = (file: WritableFile, path: string): WritableFile => ({
    write: (bytes, position) =>
      around({ kind: 'write', path, bytes, position, file }, () => file.write(bytes, position)),
    sync: () => around({ kind: 'sync', path }, () => file.sync()),
    truncate: length => around({ kind: 'truncate', path }, () => file.truncate(length)),
    identity: () => file.identity(),
    close: () => file.close(),
  });
  return {
    makeFolder: path => around({ kind: 'makeFolder', path }, () => nodeDisk.makeFolder(path)),
    async create(path) {
      let made: WritableFile | undefined;
      try {
        await around({ kind: 'create', path }, async () => {
          made = await nodeDisk.create(path);
        });
      } catch (error) {
        await made?.close();
        throw error;
      }
      return hooked(made!, path);
    },
    openForAppend: async path => hooked(await nodeDisk.openForAppend(path), path),
    rename: (path, to) => around({ kind: 'rename', path, to }, () => nodeDisk.rename(path, to)),
    syncFolder: path => around({ kind: 'syncFolder', path }, () => nodeDisk.syncFolder(path)),
    remove: path => around({ kind: 'remove', path }, () => nodeDisk.remove(path)),
    identity: path => nodeDisk.identity(path),
  };
}
