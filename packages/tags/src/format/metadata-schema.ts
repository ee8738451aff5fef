import { z } from "zod";
import type { MetadataDescription } from "./metadata-format.ts";

/** Checks what the object says that describes the metadata. */
export const metadataSchema: z.ZodType<MetadataDescription> = z.object({
  layout: z.literal("metadata"),
  id: z.string().min(1),
  minReader: z.int().min(1),
  minWriter: z.int().min(1),
  proved: z.array(z.string()),
});
