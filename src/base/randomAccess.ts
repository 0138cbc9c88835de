/** Files that are read in parts, so that code which knows a format need not know a disk. */

export interface RandomAccessFile {
  /** For error messages. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; rejects when the file is shorter. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** One flat folder of files; names never leave it. */
export interface FileFolder {
  readonly path: string;
  /** Names of the plain files in it, sorted. */
  names(): Promise<readonly string[]>;
  open(name: string): Promise<RandomAccessFile>;
}
