import * as fs from "node:fs";
import { mountedMachine } from "./mounted.ts";

// Stands for `node:fs` where the cache asks for it: the same calls on the same files, each of them a
// step of the simulation. What is not named here is Node's own.
export * from "node:fs";

type Done<T> = (error: Error | null, value?: T) => void;

/** Answers by callback, as Node does. */
function answer<T>(promise: Promise<T>, done: Done<T>): void {
  const told = async (): Promise<void> => {
    let value: T;
    try {
      value = await promise;
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    done(null, value);
  };
  void told();
}

const paths = new Map<number, string>();
const pathOf = (fd: number): string => paths.get(fd) ?? `${fd}`;

export function open(
  path: string,
  flags: number,
  modeOrDone: number | Done<number>,
  maybeDone?: Done<number>,
): void {
  const machine = mountedMachine();
  const isNew = (flags & fs.constants.O_CREAT) !== 0;
  const work = async (): Promise<number> =>
    await machine.call(isNew ? "create" : "open", path, () => {
      const fd = fs.openSync(path, flags, typeof modeOrDone === "number" ? modeOrDone : undefined);
      machine.current()?.handles.add(fd);
      paths.set(fd, path);
      if (isNew) machine.unsynced.add(fs.fstatSync(fd).ino);
      return fd;
    });
  answer(work(), typeof modeOrDone === "function" ? modeOrDone : (maybeDone ?? (() => undefined)));
}

export function fstat(fd: number, done: Done<fs.Stats>): void {
  answer(
    mountedMachine().call("stat", pathOf(fd), () => fs.fstatSync(fd)),
    done,
  );
}

export function close(fd: number, done: Done<void>): void {
  answer(
    mountedMachine().call("close", pathOf(fd), () => closeSync(fd)),
    done,
  );
}

export function closeSync(fd: number): void {
  mountedMachine().current()?.handles.delete(fd);
  paths.delete(fd);
  fs.closeSync(fd);
}

export function read(
  fd: number,
  into: Uint8Array,
  offset: number,
  length: number,
  at: number,
  done: Done<number>,
): void {
  const machine = mountedMachine();
  const call = machine.call("read", pathOf(fd), () =>
    fs.readSync(fd, into, offset, machine.pieceOf(length), at),
  );
  answer(call, done);
}

export function readv(
  fd: number,
  into: readonly Uint8Array[],
  at: number,
  done: Done<number>,
): void {
  const call = mountedMachine().call("read", pathOf(fd), () => fs.readvSync(fd, into, at));
  answer(call, done);
}

export function writev(fd: number, chunks: readonly Uint8Array[], done: Done<number>): void {
  const machine = mountedMachine();
  const call = machine.call("write", pathOf(fd), () => {
    machine.unsynced.add(fs.fstatSync(fd).ino);
    const bytes = Buffer.concat(chunks);
    return fs.writeSync(fd, bytes, 0, machine.pieceOf(bytes.byteLength));
  });
  answer(call, done);
}

export function fsync(fd: number, done: Done<void>): void {
  const machine = mountedMachine();
  const call = machine.call("sync", pathOf(fd), () => {
    machine.unsynced.delete(fs.fstatSync(fd).ino);
  });
  answer(call, done);
}

export function renameSync(from: string, to: string): void {
  mountedMachine().callNow("rename", to, () => fs.renameSync(from, to));
}

export function rmSync(path: string, options: fs.RmOptions): void {
  mountedMachine().callNow("remove", path, () => fs.rmSync(path, options));
}
