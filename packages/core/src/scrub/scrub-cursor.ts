import { type Digest, isDigest, parseDigest } from "../digest.ts";
import { StoreError } from "../errors.ts";

/** Where a scrub goes on, and what it is a scrub of: elsewhere the place means nothing. */
export interface ScrubCursor {
  /** Names of the tiers, in their order. */
  readonly tiers: readonly string[];
  readonly quick: boolean;
  /** The last digest that is done; undefined at the start, and again after the end. */
  readonly after: Digest | undefined;
}

const cursorVersion = 1;

/** Writes a cursor as the text of a file. */
export function formatCursor({ tiers, quick, after }: ScrubCursor): string {
  return `${JSON.stringify({ version: cursorVersion, tiers, quick, after: after ?? null })}\n`;
}

/**
 * Reads a cursor that goes on with a scrub of these tiers.
 *
 * @throws INVALID_ARGUMENT for anything else, of another scrub or of a later release
 */
export function parseCursor(
  text: string,
  scrub: Pick<ScrubCursor, "tiers" | "quick">,
): Digest | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refusal("it is no cursor; give another file, or delete it");
  }
  const fields = new Map<string, unknown>(
    typeof parsed === "object" && parsed !== null ? Object.entries(parsed) : [],
  );
  if (fields.get("version") !== cursorVersion) {
    throw refusal("it is no cursor of this release; give another file, or delete it");
  }
  const of = JSON.stringify([fields.get("tiers"), fields.get("quick")]);
  if (of !== JSON.stringify([scrub.tiers, scrub.quick])) {
    throw refusal("it is of another scrub (other tiers, or another --quick); give another file");
  }
  const after = fields.get("after");
  if (after === null) return undefined;
  if (typeof after !== "string" || !isDigest(after)) throw refusal("its place is no digest");
  return parseDigest(after);
}

function refusal(message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "verify", message });
}
