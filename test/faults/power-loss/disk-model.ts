import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** A file as it is in memory, and as it is on the disk for certain. */
export interface FileNode {
  readonly kind: "file";
  bytes: Buffer;
  synced: Buffer | undefined;
}

/** A folder, likewise: a name is on the disk for certain once its folder was synced. */
export interface FolderNode {
  readonly kind: "folder";
  readonly names: Map<string, DiskNode>;
  synced: ReadonlyMap<string, DiskNode>;
}

export type DiskNode = FileNode | FolderNode;

/** The files below one folder, to which calls are applied one by one. */
export interface DiskModel {
  readonly root: FolderNode;
  at(path: string): DiskNode | undefined;
  make(path: string, kind: DiskNode["kind"]): DiskNode | undefined;
  /** These tell whether it was about a file of this folder. */
  link(from: string, to: string): boolean;
  unlink(path: string): boolean;
  rename(from: string, to: string): boolean;
}

/** Takes what is on the disk now as synced. */
export async function readDisk(path: string): Promise<DiskModel> {
  const root = await readFolder(path);
  const top = resolve(path);

  function at(wanted: string): DiskNode | undefined {
    const full = resolve(wanted);
    if (full === top) return root;
    if (!full.startsWith(`${top}/`)) return undefined;
    let node: DiskNode | undefined = root;
    for (const name of full.slice(top.length + 1).split("/")) {
      node = node?.kind === "folder" ? node.names.get(name) : undefined;
    }
    return node;
  }
  function folderOf(wanted: string): FolderNode | undefined {
    const node = at(dirname(resolve(wanted)));
    return node?.kind === "folder" ? node : undefined;
  }
  return {
    root,
    at,
    make(wanted, kind) {
      const folder = folderOf(wanted);
      if (folder === undefined) return undefined;
      const made: DiskNode =
        kind === "folder" ? newFolder() : { kind, bytes: Buffer.alloc(0), synced: undefined };
      folder.names.set(basename(wanted), made);
      return made;
    },
    link(from, to) {
      const [node, folder] = [at(from), folderOf(to)];
      if (node === undefined || folder === undefined) return false;
      folder.names.set(basename(to), node);
      return true;
    },
    unlink: (wanted) => folderOf(wanted)?.names.delete(basename(wanted)) ?? false,
    rename(from, to) {
      const node = at(from);
      if (node === undefined) return false;
      folderOf(to)?.names.set(basename(to), node);
      folderOf(from)?.names.delete(basename(from));
      return true;
    },
  };
}

function newFolder(): FolderNode {
  return { kind: "folder", names: new Map(), synced: new Map() };
}

async function readFolder(path: string): Promise<FolderNode> {
  const folder = newFolder();
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) folder.names.set(entry.name, await readFolder(inner));
    if (!entry.isFile()) continue;
    const bytes = await readFile(inner);
    folder.names.set(entry.name, { kind: "file", bytes, synced: bytes });
  }
  folder.synced = new Map(folder.names);
  return folder;
}
