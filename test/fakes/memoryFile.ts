/** Files that exist only in memory, for readers that take a RandomAccessFile or a FileFolder. */
import type { FileFolder, RandomAccessFile } from '../../src/base/randomAccess.ts';

export function memoryFile(bytes: Uint8Array, path = 'memory'): RandomAccessFile {
  return {
    path,
    size: bytes.length,
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > bytes.length) throw new RangeError('read outside the file');
      return bytes.slice(offset, offset + length);
    },
    close: async () => {},
  };
}

export function memoryFolder(files: Readonly<Record<string, Uint8Array | string>>, path = '/folder'): FileFolder {
  return {
    path,
    names: async () => Object.keys(files).sort(),
    open: async name => {
      const content = files[name];
      if (content === undefined) throw new Error(`no file ${name}`);
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return memoryFile(bytes, `${path}/${name}`);
    },
  };
}

export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
