import { stripVTControlCharacters } from "node:util";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Lays out rows in columns as wide as their widest cell, without trailing blanks. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => width(row[at] ?? ""))));
  return all.map((row) =>
    columns
      .map(({ align }, at) => {
        const cell = row[at] ?? "";
        const blanks = " ".repeat((widths[at] ?? 0) - width(cell));
        return align === "right" ? blanks + cell : cell + blanks;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Counts characters as they stand on a terminal, near enough: colours take no room. */
function width(cell: string): number {
  return Array.from(stripVTControlCharacters(cell)).length;
}
