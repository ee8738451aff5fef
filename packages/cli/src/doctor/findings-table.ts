import type { ProbeOutcome, ProbeResult } from "@bitstore/doctor";
import type { Paint, Style } from "../frame/colors.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import { formatTable } from "../frame/table.ts";
import type { Patient } from "./examine.ts";

/** What the probes of one patient came to. */
export interface Findings {
  readonly patient: Patient;
  readonly results: readonly ProbeResult[];
}

/** Columns of a terminal that a table should fit in. */
const columnsMax = 100;

const shown: Readonly<Record<ProbeOutcome, readonly [Style, string]>> = {
  yes: ["green", "yes"],
  no: ["red", "no"],
  unknown: ["yellow", "?"],
  skipped: ["dim", "-"],
};

/** Lays findings out with a question a row and a tier a column, in as many tables as it takes. */
export function findingsTables(all: readonly Findings[], paint: Paint): readonly string[] {
  const questions = new Map<string, string>();
  for (const { results } of all) {
    for (const { name, question } of results) questions.set(name, question);
  }
  const questionColumns = Math.max(...[...questions.values()].map((each) => each.length));
  const lines: string[] = [];
  for (const group of groupsOf(all, columnsMax - questionColumns)) {
    const rows = [...questions].flatMap(([name, question]) => {
      const cells = group.map(({ results }) => cellOf(results, name, paint));
      return cells.every((cell) => cell === "") ? [] : [[question, ...cells]];
    });
    const titles = group.map(({ patient }) => ({ title: escapeControls(patient.name) }));
    if (lines.length > 0) lines.push("");
    lines.push(...formatTable([{ title: "" }, ...titles], rows));
  }
  return lines;
}

function cellOf(results: readonly ProbeResult[], name: string, paint: Paint): string {
  const found = results.find((result) => result.name === name);
  if (found === undefined) return "";
  const [style, word] = shown[found.outcome];
  return paint(style, word);
}

function groupsOf(all: readonly Findings[], columns: number): readonly (readonly Findings[])[] {
  const groups: Findings[][] = [];
  let left = 0;
  for (const each of all) {
    const width = Math.max(each.patient.name.length, "yes".length) + 2;
    if (left < width) {
      groups.push([]);
      left = columns;
    }
    groups.at(-1)?.push(each);
    left -= width;
  }
  return groups;
}

/** Says in words what every "no" and every "?" of a patient means, and what was measured. */
export function findingsWords({ patient, results }: Findings, paint: Paint): readonly string[] {
  const name = escapeControls(patient.name);
  const lines: string[] = [];
  for (const { outcome, question, detail, meaning } of results) {
    if (outcome !== "no" && outcome !== "unknown") continue;
    const [style, word] = shown[outcome];
    lines.push(`${paint(style, word.padEnd(3))} ${name}: ${question}`);
    lines.push(`    ${escapeControls(detail)}`);
    if (meaning !== undefined) lines.push(`    ${escapeControls(meaning)}`);
  }
  const throughput = results.find((result) => result.name === "throughput");
  if (throughput?.outcome === "yes") {
    lines.push(`    ${name}: ${escapeControls(throughput.detail)}`);
  }
  return lines;
}
