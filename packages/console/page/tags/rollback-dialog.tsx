import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { shown } from "../api/problem.ts";
import type { TagRecord } from "../api/types.ts";
import { shortDigest } from "../frame/format.ts";
import { Notice } from "../frame/notice.tsx";

interface RollbackDialogProps {
  readonly tag: string;
  readonly record: TagRecord;
  readonly onConfirm: (record: TagRecord, reason: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks before a tag moves. Somebody else's move since then refuses it. */
export function RollbackDialog(props: RollbackDialogProps): JSX.Element {
  const { tag, record, onConfirm, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const reason = new FormData(form).get("reason");
    setIsBusy(true);
    onConfirm(record, typeof reason === "string" ? reason.trim() : "").then(
      // Closed by itself it gives the focus back to the button that opened it.
      () => dialog.current?.close(),
      (error: unknown) => {
        setIsBusy(false);
        setProblem(shown(error));
      },
    );
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="rollback-title">
      <form onSubmit={onSubmit}>
        <h2 id="rollback-title">
          Roll {tag} back to {record.seq}?
        </h2>
        <p>
          It will point to{" "}
          <code>{record.digest === undefined ? "" : shortDigest(record.digest)}</code>. The history
          keeps what it points to now.
        </p>
        <label>
          Reason
          <input name="reason" maxLength={1024} />
        </label>
        {problem === undefined ? null : <Notice>{problem}</Notice>}
        <div class="row">
          <button type="submit" disabled={isBusy}>
            Roll back
          </button>
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
