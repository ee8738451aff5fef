import type { Content } from "../content.ts";
import { isStreamHeard, publishStream } from "../diagnostics.ts";
import type { Digest } from "../digest.ts";
import { mapContent } from "../layers/map-content.ts";
import type { CompositeContext } from "./context.ts";
import type { Tier } from "./tier.ts";

/** Tells at the end of a tier's content how much of it was taken; costs nothing where nobody listens. */
export function countGiven(
  { name }: CompositeContext,
  content: Content,
  tier: Tier,
  digest: Digest,
): Content {
  if (!isStreamHeard()) return content;
  let bytes = 0;
  return mapContent(content, {
    body: async function* (body) {
      for await (const chunk of body) {
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    bytes: async (read) => {
      const all = await read();
      bytes = all.byteLength;
      return all;
    },
    done: () => publishStream({ composite: name, digest, tier: tier.name, bytes }),
  });
}
