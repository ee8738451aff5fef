import * as fs from "node:fs";
import { mountedMachine } from "./mounted.ts";

// Stands for `node:fs/promises` where the cache asks for it; see `mounted-fs.ts`.
export * from "node:fs/promises";

const call: ReturnType<typeof mountedMachine>["call"] = async (kind, path, work) =>
  await mountedMachine().call(kind, path, work);

export async function mkdir(path: string, options: fs.MakeDirectoryOptions): Promise<void> {
  await call("mkdir", path, () => fs.mkdirSync(path, options));
}

/** Names come in order, or a run would depend on the disk's own. */
export async function readdir(path: string): Promise<string[]> {
  return await call("list", path, () => fs.readdirSync(path).sort());
}

export async function readFile(path: string, encoding: "utf8"): Promise<string> {
  const machine = mountedMachine();
  if (path.endsWith("/boot_id")) return machine.bootId;
  return await machine.call("read", path, () => fs.readFileSync(path, encoding));
}

export async function rename(from: string, to: string): Promise<void> {
  await call("rename", to, () => fs.renameSync(from, to));
}

export async function rm(path: string, options?: fs.RmOptions): Promise<void> {
  await call("remove", path, () => fs.rmSync(path, options));
}

export async function unlink(path: string): Promise<void> {
  await call("remove", path, () => fs.unlinkSync(path));
}

export async function link(from: string, to: string): Promise<void> {
  await call("rename", to, () => fs.linkSync(from, to));
}

export async function lstat(path: string): Promise<fs.Stats> {
  return await call("stat", path, () => fs.lstatSync(path));
}

export async function stat(path: string): Promise<fs.Stats> {
  return await call("stat", path, () => fs.statSync(path));
}

/** As much of a file handle as the cache uses. */
interface Handle {
  writeFile(text: string): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export async function open(path: string, flags: string, mode?: number): Promise<Handle> {
  const machine = mountedMachine();
  const fd = await machine.call(flags === "r" ? "open" : "create", path, () => {
    const opened = fs.openSync(path, flags, mode);
    machine.current()?.handles.add(opened);
    return opened;
  });
  return {
    writeFile: (text) => machine.call("write", path, () => fs.writeFileSync(fd, text)),
    sync: () => machine.call("sync", path, () => undefined),
    close: () =>
      machine.call("close", path, () => {
        machine.current()?.handles.delete(fd);
        fs.closeSync(fd);
      }),
  };
}
