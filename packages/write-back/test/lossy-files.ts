import type { FileFacts, FileLayer, NewFile, OpenFile } from "../src/file-layer.ts";

/** Decides what becomes of what was not synced: a number from 0 up to 1. */
export type Chance = () => number;

interface Inode {
  bytes: Uint8Array;
  /** What a loss of power leaves for certain; undefined before the first sync. */
  synced: Uint8Array | undefined;
  readonly modifiedMs: number;
}

interface Folder {
  names: Map<string, Inode | Folder>;
  synced: Map<string, Inode | Folder>;
}

/** A file system in memory whose process can die at any of its calls, and whose power can fail. */
export interface LossyFiles extends FileLayer {
  /** Calls so far. */
  readonly calls: number;
  /** Lets the process die at a call: neither that one nor any later one is ever answered. */
  dieAt(call: number): void;
  /** Resolves when it has died. */
  readonly died: Promise<void>;
  /** What another process finds after this one was killed: all that was called for. */
  afterKill(): LossyFiles;
  /**
   * What is found after the power failed: each name that was not synced is there or not, and each
   * file that was not synced has its old bytes, a part of the new ones, or zeros in their place.
   */
  afterPowerLoss(chance: Chance): LossyFiles;
  /** Names and bytes of all files under a folder. */
  walk(path: string): Map<string, Uint8Array>;
  /** Overwrites a file behind everybody's back. */
  spoil(path: string, change: (bytes: Uint8Array) => Uint8Array): void;
  /** Told of each call. */
  onCall: ((call: string, path: string) => void) | undefined;
  /** Makes calls fail, by name and path, with an errno. */
  failing: ((call: string, path: string) => string | undefined) | undefined;
}

async function turnsOfWork(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

const isFolder = (node: Inode | Folder): node is Folder => "names" in node;

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export function lossyFiles(root: Folder = newFolder()): LossyFiles {
  let calls = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let isDead = false;
  let times = 1000;
  const died = Promise.withResolvers<void>();
  const locks = new Set<string>();
  let failing: LossyFiles["failing"];
  let onCall: LossyFiles["onCall"];

  /** One call: it is answered later, or never. */
  async function call<T>(name: string, path: string, work: () => T): Promise<T> {
    calls += 1;
    if (calls >= deadline && !isDead) {
      isDead = true;
      died.resolve();
    }
    if (isDead) return await new Promise<T>(() => undefined);
    onCall?.(name, path);
    const code = failing?.(name, path);
    await Promise.resolve();
    if (code !== undefined) throw failure(code, path);
    if (isDead) return await new Promise<T>(() => undefined);
    return work();
  }

  function folderAt(path: string): Folder {
    let at = root;
    for (const part of path.split("/").filter((each) => each !== "")) {
      const next = at.names.get(part);
      if (next === undefined) throw failure("ENOENT", path);
      if (!isFolder(next)) throw failure("ENOTDIR", path);
      at = next;
    }
    return at;
  }

  function place(path: string): { readonly folder: Folder; readonly name: string } {
    const cut = path.lastIndexOf("/");
    return { folder: folderAt(path.slice(0, cut)), name: path.slice(cut + 1) };
  }

  function inodeAt(path: string): Inode {
    const { folder, name } = place(path);
    const node = folder.names.get(name);
    if (node === undefined) throw failure("ENOENT", path);
    if (isFolder(node)) throw failure("EISDIR", path);
    return node;
  }

  const factsOf = ({ bytes, modifiedMs }: Inode): FileFacts => ({
    isFile: true,
    size: bytes.byteLength,
    modifiedMs,
  });

  return {
    get calls() {
      return calls;
    },
    get onCall() {
      return onCall;
    },
    set onCall(by) {
      onCall = by;
    },
    get failing() {
      return failing;
    },
    set failing(by) {
      failing = by;
    },
    died: died.promise,
    dieAt(at) {
      deadline = at;
    },
    makeFolder: (path) =>
      call("makeFolder", path, () => {
        const { folder, name } = place(path);
        const there = folder.names.get(name);
        if (there !== undefined && !isFolder(there)) throw failure("EEXIST", path);
        if (there === undefined) folder.names.set(name, newFolder());
      }),
    listFolder: (path) => call("listFolder", path, () => [...folderAt(path).names.keys()]),
    async syncFolder(path) {
      // It holds for what was there as it began, and takes a while.
      const found = await call("syncFolder", path, () => {
        const folder = folderAt(path);
        return { folder, names: new Map(folder.names) };
      });
      await turnsOfWork();
      await call("syncFolder's end", path, () => {
        found.folder.synced = found.names;
      });
    },
    create: (path) =>
      call("create", path, (): NewFile => {
        const { folder, name } = place(path);
        if (folder.names.has(name)) throw failure("EEXIST", path);
        times += 1;
        const inode: Inode = { bytes: new Uint8Array(0), synced: undefined, modifiedMs: times };
        folder.names.set(name, inode);
        return {
          append: (chunks) =>
            call("append", path, () => {
              inode.bytes = new Uint8Array(Buffer.concat([inode.bytes, ...chunks]));
            }),
          async sync() {
            const bytes = await call("sync", path, () => inode.bytes);
            await turnsOfWork();
            await call("sync's end", path, () => {
              inode.synced = bytes;
            });
          },
          close: () => call("close", path, () => undefined),
        };
      }),
    openForRead: (path) =>
      call("openForRead", path, (): OpenFile => {
        const inode = inodeAt(path);
        return {
          ...factsOf(inode),
          read: (into, at) =>
            call("read", path, () => {
              const found = inode.bytes.subarray(at, at + into.byteLength);
              into.set(found);
              return found.byteLength;
            }),
          close: () => call("close", path, () => undefined),
        };
      }),
    facts: (path) => call("facts", path, () => factsOf(inodeAt(path))),
    link: (from, to) =>
      call("link", to, () => {
        const inode = inodeAt(from);
        const { folder, name } = place(to);
        if (folder.names.has(name)) throw failure("EEXIST", to);
        folder.names.set(name, inode);
      }),
    unlink: (path) =>
      call("unlink", path, () => {
        inodeAt(path);
        const { folder, name } = place(path);
        folder.names.delete(name);
      }),
    tryLock(path) {
      if (locks.has(path)) return undefined;
      locks.add(path);
      return { release: () => void locks.delete(path) };
    },
    afterKill: () => lossyFiles(root),
    afterPowerLoss: (chance) => lossyFiles(survivors(root, chance)),
    walk(path) {
      const found = new Map<string, Uint8Array>();
      const look = (folder: Folder, at: string): void => {
        for (const [name, node] of folder.names) {
          if (isFolder(node)) look(node, `${at}/${name}`);
          else found.set(`${at}/${name}`, node.bytes);
        }
      };
      look(folderAt(path), path);
      return found;
    },
    spoil(path, change) {
      const inode = inodeAt(path);
      inode.bytes = change(inode.bytes);
      inode.synced = inode.bytes;
    },
  };
}

function newFolder(): Folder {
  return { names: new Map(), synced: new Map() };
}

/** What of a tree outlives a loss of power. A file may have several names, and is the same in all. */
function survivors(root: Folder, chance: Chance): Folder {
  const files = new Map<Inode, Inode>();
  const file = (inode: Inode): Inode => {
    const known = files.get(inode);
    if (known !== undefined) return known;
    const bytes = inode.synced === inode.bytes ? inode.bytes : tornOf(inode, chance);
    const left = { bytes, synced: bytes, modifiedMs: inode.modifiedMs };
    files.set(inode, left);
    return left;
  };
  const folder = (from: Folder): Folder => {
    const names = new Map<string, Inode | Folder>();
    for (const name of new Set([...from.synced.keys(), ...from.names.keys()])) {
      const [before, after] = [from.synced.get(name), from.names.get(name)];
      const node = before === after || chance() < 0.5 ? before : after;
      if (node !== undefined) names.set(name, isFolder(node) ? folder(node) : file(node));
    }
    return { names, synced: new Map(names) };
  };
  return folder(root);
}

function tornOf({ bytes, synced }: Inode, chance: Chance): Uint8Array {
  const what = chance();
  if (what < 0.3) return synced ?? new Uint8Array(0);
  if (what < 0.6) return bytes.slice(0, Math.floor(chance() * bytes.byteLength));
  if (what < 0.8) return new Uint8Array(bytes.byteLength);
  return bytes;
}

/** Makes one that has a folder. */
export async function lossyFilesWith(folder: string): Promise<LossyFiles> {
  const files = lossyFiles();
  await files.makeFolder(folder);
  return files;
}
