import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { TagHead, TagRecord } from "../api/types.ts";
import { Refusal } from "../frame/refusal.tsx";
import { RollbackDialog } from "./rollback-dialog.tsx";
import { Timeline } from "./timeline.tsx";

interface TagPageProps {
  readonly api: Api;
  readonly tag: string;
}

/** A watch that broke off is begun again after so many milliseconds. */
const watchPauseMs = 3000;

/** One tag: all that it ever pointed to, as it grows. */
export function TagPage({ api, tag }: TagPageProps): JSX.Element {
  const [records, setRecords] = useState<readonly TagRecord[]>();
  const [next, setNext] = useState<number>();
  const [problem, setProblem] = useState<string>();
  const [chosen, setChosen] = useState<TagRecord>();
  const newest = records?.[0];

  const load = useCallback(
    async (before: number | undefined): Promise<void> => {
      try {
        const page = await api.history(tag, before);
        setRecords((all) =>
          before === undefined ? page.records : [...(all ?? []), ...page.records],
        );
        setNext(page.next);
      } catch (error) {
        setProblem(shown(error));
      }
    },
    [api, tag],
  );
  useEffect(() => void load(undefined), [load]);

  const add = useCallback((entry: TagHead): void => {
    setRecords((all = []) => (entry.seq > (all[0]?.seq ?? 0) ? [recordOf(entry), ...all] : all));
  }, []);
  const isLoaded = records !== undefined && newest !== undefined;
  useEffect(() => {
    if (!isLoaded) return undefined;
    const controller = new AbortController();
    void follow(api, tag, newest.seq, controller.signal, add);
    return () => controller.abort();
    // Once begun, it goes on by itself from what it has seen.
  }, [api, tag, isLoaded, add]);

  const rollBack = async (record: TagRecord, reason: string): Promise<void> => {
    if (newest === undefined) return;
    add(await api.rollback(tag, record.seq, newest.seq, reason));
  };

  return (
    <>
      <p>
        <a href="#/tags">All tags</a>
      </p>
      <h1 class="tag-name" tabIndex={-1}>
        {tag}
      </h1>
      {problem === undefined ? null : <Refusal problem={problem} />}
      {records?.length === 0 ? <p>It was never set.</p> : null}
      {records === undefined ? null : (
        <Timeline api={api} tag={tag} records={records} onRollback={setChosen} />
      )}
      {next !== undefined ? (
        <button type="button" onClick={() => void load(next)}>
          Older
        </button>
      ) : null}
      {chosen === undefined ? null : (
        <RollbackDialog
          tag={tag}
          record={chosen}
          onConfirm={rollBack}
          onClose={() => setChosen(undefined)}
        />
      )}
    </>
  );
}

function recordOf({ target, ...head }: TagHead): TagRecord {
  return { ...head, ...target };
}

/** Watches until the signal aborts; what breaks off is begun again behind what was seen. */
async function follow(
  api: Api,
  tag: string,
  since: number,
  signal: AbortSignal,
  onEntry: (entry: TagHead) => void,
): Promise<void> {
  let seen = since;
  while (!signal.aborted) {
    try {
      await api.watch(
        tag,
        seen,
        (entry) => {
          seen = Math.max(seen, entry.seq);
          onEntry(entry);
        },
        signal,
      );
    } catch {
      // The page shows what it has; the watch is tried again.
    }
    await new Promise((resolve) => setTimeout(resolve, watchPauseMs));
  }
}
