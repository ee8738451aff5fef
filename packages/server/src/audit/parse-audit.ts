import { StoreError } from "@bitstore/core";
import { z } from "zod";

/** Where the audit log is written. */
export interface AuditConfig {
  /**
   * Store URL of a bucket of its own, under credentials of its own; undefined: the metadata of the
   * default namespace.
   */
  readonly url: string | undefined;
}

const shape = z.union([z.boolean(), z.strictObject({ url: z.string().min(1) })]);

/**
 * Reads `server.audit`; undefined: nothing is audited. Left out, it is on where callers are asked who
 * they are, and off where they are not: it takes two objects in the metadata for each write, and without
 * authentication it would name nobody. The embedded default on loopback is such a place.
 *
 * @throws CONFIG_INVALID where it is no such thing.
 */
export function parseAudit(input: unknown, mode: "none" | "required"): AuditConfig | undefined {
  if (input === undefined) return mode === "required" ? { url: undefined } : undefined;
  const parsed = shape.safeParse(input);
  if (!parsed.success) {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "configure",
      subject: "server.audit",
      message: "it is true, false, or a map with the url of a bucket",
    });
  }
  if (typeof parsed.data !== "boolean") return parsed.data;
  return parsed.data ? { url: undefined } : undefined;
}
