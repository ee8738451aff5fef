import type { Command } from "commander";
import type { Attempt, Composite, Explanation } from "@bitstore/core";
import { algorithmOf } from "@bitstore/core";
import type { Paint, Style } from "../frame/colors.ts";
import { attemptRecord } from "../frame/error-record.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { formatTable } from "../frame/table.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";
import { blobArguments } from "../input/blob-argument.ts";

/** Declares `explain`. */
export function registerExplain(program: Command, frame: Frame): void {
  program
    .command("explain")
    .summary("show what each tier says of a blob")
    .description(
      "Reads the blob, verified, from the first tier that has it, and shows what each tier said, in " +
        "the order asked. Nothing that is remembered counts, and no cache is filled. Exits with 0 " +
        "if it was found, 3 if every tier says that it is not there, 7 if a tier could not say.",
    )
    .argument("<digest>", "the blob, or @TAG")
    .action(frame.action(explain));
}

async function explain(invocation: Invocation, [argument = ""]: readonly string[]): Promise<void> {
  const { output, signal, count } = invocation;
  const { digest, tag } = await blobArguments(invocation).resolve(argument);
  const { store } = await invocation.openStore();
  const explanation = await store.explain(digest, { signal });
  const attempts = explanation.attempts.map(attemptRecord);
  await output.result(
    { ...explanation, tag, attempts },
    ...table(store, explanation, output.paint),
  );
  if (explanation.outcome === "absent") count("NOT_FOUND");
  if (explanation.outcome === "unavailable") count("UNAVAILABLE");
}

const styles: Readonly<Record<Attempt["outcome"], Style>> = {
  hit: "green",
  miss: "dim",
  corrupt: "red",
  failed: "red",
  denied: "red",
  archived: "yellow",
  skipped: "yellow",
};

function table(store: Composite, explanation: Explanation, paint: Paint): readonly string[] {
  const rows = store.tiers.map(({ name, source, role }) => {
    const attempt = explanation.attempts.find(({ tier }) => tier === name);
    if (attempt === undefined) {
      const algorithm = algorithmOf(explanation.digest);
      const holds = source.capabilities.algorithms.includes(algorithm);
      const why = holds ? "a tier before it answered" : `it holds no ${algorithm}`;
      return [escapeControls(name), role, paint("dim", "not asked"), "", "", why];
    }
    const { outcome, elapsedMs, bytes, note, error } = attempt;
    const why = [note, error?.detail].filter((part) => part !== undefined).join(": ");
    return [
      escapeControls(name),
      role,
      paint(styles[outcome], outcome),
      formatMs(elapsedMs),
      outcome === "hit" ? formatBytes(bytes) : "",
      escapeControls(why),
    ];
  });
  const columns = [
    { title: "TIER" },
    { title: "ROLE" },
    { title: "OUTCOME" },
    { title: "TIME", align: "right" },
    { title: "BYTES", align: "right" },
    { title: "WHY" },
  ] as const;
  return [...formatTable(columns, rows), "", conclusion(explanation)];
}

function conclusion({ outcome, tier, size }: Explanation): string {
  if (outcome === "absent") return "absent: every tier that was asked says that it is not there";
  if (outcome === "unavailable")
    return "unavailable: no tier has it for sure, and not all could say";
  return `found in ${escapeControls(tier ?? "")}: ${formatCount(size ?? 0, "byte")}, verified`;
}
