import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { PutResult } from "../api/types.ts";
import { DigestLink } from "../frame/digest-link.tsx";
import { bytesText } from "../frame/format.ts";

interface Upload {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly sent: number;
  readonly cancel: () => void;
  readonly result?: PutResult;
  readonly problem?: string;
}

/** Files that are sent at a time. */
const uploadsMax = 3;

/** Puts files that are dropped here, or chosen by keyboard. */
export function DropZone({ api }: { readonly api: Api }): JSX.Element {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const [isOver, setIsOver] = useState(false);
  const [queue] = useState(createQueue);

  const change = (id: number, part: Partial<Upload>): void =>
    setUploads((all) => all.map((each) => (each.id === id ? { ...each, ...part } : each)));

  const add = (files: Iterable<File>): void => {
    for (const file of files) {
      const id = queue.nextId();
      const controller = new AbortController();
      const cancel = (): void => controller.abort();
      const { name, size } = file;
      setUploads((all) => [{ id, name, size, sent: 0, cancel }, ...all]);
      queue.run(async () => {
        try {
          if (controller.signal.aborted) throw new Error("The upload was cancelled.");
          const onProgress = (sent: number): void => change(id, { sent });
          const result = await api.put(file, onProgress, controller.signal);
          change(id, { result, sent: size });
        } catch (error) {
          change(id, { problem: shown(error) });
        }
      });
    }
  };

  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setIsOver(false);
    add(event.dataTransfer?.files ?? []);
  };
  const onDragOver = (event: DragEvent): void => {
    event.preventDefault();
    setIsOver(true);
  };

  return (
    <section aria-label="Put files">
      <div
        class={isOver ? "drop over" : "drop"}
        onDrop={onDrop}
        onDragOver={onDragOver}
        onDragLeave={() => setIsOver(false)}
      >
        <label>
          Drop files here, or choose them
          <input
            type="file"
            multiple
            onChange={(event) => {
              add(event.currentTarget.files ?? []);
              event.currentTarget.value = "";
            }}
          />
        </label>
      </div>
      <ul class="uploads" aria-live="polite">
        {uploads.map((upload) => (
          <UploadRow key={upload.id} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

function UploadRow({ upload }: { readonly upload: Upload }): JSX.Element {
  const { name, size, sent, result, problem, cancel } = upload;
  return (
    <li>
      <span class="name">{name}</span> <span class="size">{bytesText(size)}</span>{" "}
      {result === undefined ? null : <DigestLink digest={result.digest} />}
      {problem === undefined ? null : <span class="bad">{problem}</span>}
      {result === undefined && problem === undefined ? (
        <>
          <progress max={Math.max(size, 1)} value={sent} aria-label={`Sending ${name}`} />
          <button type="button" class="quiet" onClick={cancel}>
            Cancel
          </button>
        </>
      ) : null}
    </li>
  );
}

interface UploadQueue {
  nextId(): number;
  /** Runs work when fewer than the limit are running, in the order in which it came. */
  run(work: () => Promise<void>): void;
}

function createQueue(): UploadQueue {
  const waiting: (() => Promise<void>)[] = [];
  let running = 0;
  let last = 0;
  const next = (): void => {
    const work = running < uploadsMax ? waiting.shift() : undefined;
    if (work === undefined) return;
    running += 1;
    void work().finally(() => {
      running -= 1;
      next();
    });
  };
  return {
    nextId: () => {
      last += 1;
      return last;
    },
    run: (work) => {
      waiting.push(work);
      next();
    },
  };
}
