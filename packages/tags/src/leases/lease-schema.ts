import { z } from "zod";
import { leaseDigestsMax, leaseSchemaName } from "./lease-record.ts";

const holderCharsMax = 256;
const reasonCharsMax = 1024;
const digestList = z.array(z.string()).max(leaseDigestsMax);

/** What the object holds: digests are strings still. */
interface LeaseObject {
  readonly schema: typeof leaseSchemaName;
  readonly namespace: string;
  readonly id: string;
  readonly digests: "all" | readonly string[];
  readonly collections: readonly string[];
  readonly holder: string;
  readonly reason?: string | undefined;
  readonly ttlMs: number;
  readonly acquiredAt: string;
  readonly expiresAt: string;
  readonly nonce: string;
}

/** Checks what the object of a lease says. */
export const leaseSchema: z.ZodType<LeaseObject> = z.object({
  schema: z.literal(leaseSchemaName),
  namespace: z.string(),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  digests: z.union([z.literal("all"), digestList]),
  collections: digestList,
  holder: z.string().min(1).max(holderCharsMax),
  reason: z.string().max(reasonCharsMax).optional(),
  ttlMs: z.int().min(1),
  acquiredAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  nonce: z.string(),
});
