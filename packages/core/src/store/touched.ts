import type { Bytes } from "../bytes.ts";

/** Passes a stream on and says of each chunk that there is progress. */
export async function* touched(
  body: Bytes,
  touch: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of body) {
    touch();
    yield chunk;
  }
}
