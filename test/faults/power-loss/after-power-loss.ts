import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DiskModel, FileNode, FolderNode } from "./disk-model.ts";

/**
 * What a loss of power leaves of what was not synced: nothing of it; all names, with zeros in place of
 * bytes; or each name and each file by chance.
 */
export type Loss =
  | { readonly kind: "dropped" }
  | { readonly kind: "zeros" }
  | { readonly kind: "chance"; readonly random: () => number };

/** Names and bytes of the files that are found afterwards, with their paths from the root. */
export function afterPowerLoss(model: DiskModel, loss: Loss): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  collect(model.root, "", loss, found);
  return found;
}

/** Writes them into a folder. */
export async function layOut(files: ReadonlyMap<string, Buffer>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, bytes] of files) {
    const full = join(folder, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, bytes);
  }
}

function collect(folder: FolderNode, at: string, loss: Loss, into: Map<string, Buffer>): void {
  for (const name of new Set([...folder.synced.keys(), ...folder.names.keys()])) {
    const [before, now] = [folder.synced.get(name), folder.names.get(name)];
    const isOld = loss.kind === "dropped" || (loss.kind === "chance" && loss.random() < 0.5);
    const node = isOld ? before : now;
    if (node === undefined) continue;
    const path = at === "" ? name : `${at}/${name}`;
    if (node.kind === "folder") collect(node, path, loss, into);
    else into.set(path, bytesAfter(node, loss));
  }
}

function bytesAfter({ bytes, synced }: FileNode, loss: Loss): Buffer {
  const kept = synced ?? Buffer.alloc(0);
  if (loss.kind === "dropped") return kept;
  const share = loss.kind === "chance" ? loss.random() : 0;
  if (share > 0.75) return bytes;
  if (share > 0.5) return kept;
  // The size is there and the bytes are not, from where they were written or from some page on.
  const from = share === 0 ? kept.length : Math.floor(bytes.length * 2 * share);
  const torn = Buffer.alloc(bytes.length);
  bytes.copy(torn, 0, 0, Math.min(from, bytes.length));
  kept.copy(torn, 0, 0, Math.min(kept.length, torn.length));
  return torn;
}
