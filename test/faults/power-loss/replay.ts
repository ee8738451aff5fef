import { resolve } from "node:path";
import type { DiskModel, DiskNode } from "./disk-model.ts";
import type { Call } from "./trace-lines.ts";

/** A moment of a recording, between two calls. */
export interface Moment {
  /** Position in the replay. */
  readonly index: number;
  /** What the command has written to its standard output before. */
  readonly printed: string;
  /** The call that was applied last. */
  readonly after: string;
}

interface Step {
  readonly atNs: bigint;
  readonly name: string;
  /** Tells whether anything is different now. */
  apply(): boolean;
}

interface Replay {
  readonly cwd: string;
  readonly model: DiskModel;
  readonly fds: Map<number, DiskNode | undefined>;
  readonly positions: Map<number, number>;
  printed: string;
}

/**
 * Applies recorded calls to a model of the disk and looks at it after each that changes something;
 * resolves to the number of looks. A call takes effect at its
 * end; a sync holds for what was there at its start, and from its end on; what is printed counts from
 * the start of its write. So the disk is never believed to hold more than it must.
 */
export async function replay(
  calls: readonly Call[],
  cwd: string,
  model: DiskModel,
  look: (moment: Moment) => void | Promise<void>,
): Promise<number> {
  const state: Replay = { cwd, model, fds: new Map(), positions: new Map(), printed: "" };
  const steps = calls
    .flatMap((call) => stepsOf(call, state))
    .sort((one, other) => (one.atNs < other.atNs ? -1 : one.atNs > other.atNs ? 1 : 0));
  let index = 0;
  for (const step of steps) {
    if (!step.apply()) continue;
    await look({ index, printed: state.printed, after: step.name });
    index += 1;
  }
  return index;
}

function stepsOf(call: Call, state: Replay): readonly Step[] {
  const { name, startNs, endNs, words, strings, result } = call;
  const { model, fds, positions } = state;
  const fd = Number(words[0]);
  const text = (at: number): string => resolve(state.cwd, strings[at]?.toString() ?? "");
  const one = (apply: () => boolean, atNs: bigint = endNs): Step[] => [{ atNs, name, apply }];
  switch (name) {
    case "open":
    case "openat":
    case "creat":
      return one(() => {
        const flags = words.find((word) => word.includes("O_")) ?? "";
        const path = text(0);
        let node = model.at(path);
        const isNew = node === undefined && flags.includes("O_CREAT");
        if (isNew) node = model.make(path, "file");
        fds.set(result, node);
        positions.set(result, flags.includes("O_APPEND") ? Number.NaN : 0);
        const isCut = flags.includes("O_TRUNC") && truncated(node, 0);
        return node !== undefined && (isNew || isCut);
      });
    case "close":
      return one(() => {
        fds.delete(fd);
        return false;
      }, startNs);
    case "dup":
    case "dup2":
    case "dup3":
    case "fcntl":
      if (name === "fcntl" && !(words[1] ?? "").startsWith("F_DUPFD")) return [];
      return one(() => {
        fds.set(result, fds.get(fd));
        positions.set(result, positions.get(fd) ?? 0);
        return false;
      });
    case "write":
    case "writev":
      if (fd === 1) {
        return one(() => {
          state.printed += Buffer.concat(strings).toString();
          return true;
        }, startNs);
      }
      return one(() => {
        const bytes = Buffer.concat(strings).subarray(0, result);
        const position = positions.get(fd) ?? 0;
        const node = fds.get(fd);
        const from = Number.isNaN(position) && node?.kind === "file" ? node.bytes.length : position;
        if (!Number.isNaN(position)) positions.set(fd, position + bytes.length);
        return writeAt(node, bytes, from);
      });
    case "pwrite64":
    case "pwritev":
    case "pwritev2":
      return one(() => {
        const offset = Number(name === "pwritev2" ? words.at(-2) : words.at(-1));
        return writeAt(fds.get(fd), Buffer.concat(strings).subarray(0, result), offset);
      });
    case "ftruncate":
      return one(() => truncated(fds.get(fd), Number(words[1])));
    case "truncate":
      return one(() => truncated(model.at(text(0)), Number(words[1])));
    case "mkdir":
    case "mkdirat":
      return one(() => model.make(text(0), "folder") !== undefined);
    case "link":
    case "linkat":
      return one(() => model.link(text(0), text(1)));
    case "rename":
    case "renameat":
    case "renameat2":
      return one(() => model.rename(text(0), text(1)));
    case "unlink":
    case "unlinkat":
    case "rmdir":
      return one(() => model.unlink(text(0)));
    case "fsync":
    case "fdatasync":
      return syncSteps(call, fd, state);
    default:
      // A way to write that the model does not know would make it believe too little, quietly.
      throw new Error(`the model does not know ${name}`);
  }
}

/** What was there at the start of a sync is on the disk at its end. */
function syncSteps({ name, startNs, endNs }: Call, fd: number, { fds }: Replay): readonly Step[] {
  let finish = (): boolean => false;
  const begin = (): boolean => {
    const node = fds.get(fd);
    if (node?.kind === "file") {
      const { bytes } = node;
      finish = () => {
        node.synced = bytes;
        return true;
      };
    } else if (node?.kind === "folder") {
      const names = new Map(node.names);
      finish = () => {
        node.synced = names;
        return true;
      };
    }
    return false;
  };
  return [
    { atNs: startNs, name: `${name} begins`, apply: begin },
    { atNs: endNs, name, apply: () => finish() },
  ];
}

function writeAt(node: DiskNode | undefined, bytes: Buffer, offset: number): boolean {
  if (node?.kind !== "file") return false;
  const grown = Buffer.alloc(Math.max(node.bytes.length, offset + bytes.length));
  node.bytes.copy(grown);
  bytes.copy(grown, offset);
  // A new buffer each time: what a sync has seen does not change any more.
  node.bytes = grown;
  return true;
}

function truncated(node: DiskNode | undefined, length: number): boolean {
  if (node?.kind !== "file") return false;
  const cut = Buffer.alloc(length);
  node.bytes.copy(cut);
  node.bytes = cut;
  return true;
}
