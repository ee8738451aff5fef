import type { Effect } from "@bitstore/conformance";
import type {
  ErrorCode,
  TagEntry,
  TagExpectation,
  TagRecord,
  TagVerification,
} from "@bitstore/core";

/** What was asked, with all that was only known when it was. */
export type Invocation =
  | { readonly kind: "append"; readonly tag: string; readonly digest: string }
  | { readonly kind: "annotate"; readonly tag: string; readonly words: string }
  | { readonly kind: "remove"; readonly tag: string }
  | { readonly kind: "rollback"; readonly tag: string; readonly seq: number }
  | { readonly kind: "head"; readonly tag: string; readonly maxAgeMs: number }
  | { readonly kind: "get"; readonly tag: string; readonly seq: number }
  | { readonly kind: "asOf"; readonly tag: string; readonly atMs: number }
  | {
      readonly kind: "history";
      readonly tag: string;
      readonly before: number | undefined;
      readonly limit: number | undefined;
    }
  | { readonly kind: "list"; readonly deleted: boolean; readonly prefix: string }
  | { readonly kind: "verify"; readonly tag: string }
  | { readonly kind: "watch"; readonly tag: string };

/** How a write was asked. */
export interface WriteTerms {
  /** The logical write; its `reason` in the manifest. Tries of one write share it. */
  readonly write: string;
  readonly expect: TagExpectation | undefined;
  /** The caller's own; undefined where the log made one. */
  readonly nonce: string | undefined;
}

export type Answer =
  | { readonly kind: "entry"; readonly entry: TagEntry | undefined }
  | { readonly kind: "names"; readonly names: readonly string[] }
  | { readonly kind: "records"; readonly records: readonly TagRecord[] }
  | { readonly kind: "entries"; readonly entries: readonly TagEntry[] }
  | { readonly kind: "verified"; readonly verification: TagVerification }
  | {
      readonly kind: "error";
      readonly code: ErrorCode | "no StoreError";
      readonly message: string;
      readonly isPermanent: boolean;
      readonly current: TagEntry | undefined;
    };

/** One call of an operation and its answer, between two instants. */
export interface Call {
  readonly id: number;
  /** The memory that answered: one handle from its opening on. */
  readonly reader: string;
  readonly asked: Invocation;
  readonly terms: WriteTerms | undefined;
  /** Steps of the scheduler. */
  readonly from: number;
  readonly to: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether its caller had aborted it before it answered. */
  readonly isAborted: boolean;
  readonly answer: Answer;
}

/** All that can be seen of one history from outside of the log. */
export interface Observed {
  readonly namespace: string;
  readonly tags: readonly string[];
  readonly effects: readonly Effect[];
  readonly calls: readonly Call[];
  /** How the run ended, and of what it was waiting. */
  readonly ended: "done" | "deadlock" | "step limit";
  readonly unfinished: readonly string[];
  /** Virtual time from which on the weather is fair; infinite where it never is. */
  readonly calmFromMs: number;
  /** Whether every wait was served in time by the schedule, so that waits can be judged. */
  readonly isSteady: boolean;
  readonly alarms: readonly string[];
}
