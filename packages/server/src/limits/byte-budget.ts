import { StoreError } from "@bitstore/core";

/** Bytes that requests hold at the same time, by their clients (`clientKey`). */
export interface ByteBudget {
  /**
   * Begins to count what one request of a client holds. All requests together may hold `bytesMax`, those
   * of one client half of it, so that no client keeps the others from theirs.
   */
  hold(client: string, bytesMax: number): HeldBytes;
  /** Bytes that are held now. */
  readonly heldBytes: number;
}

/** What one request holds. */
export interface HeldBytes {
  /**
   * Counts bytes before they are kept; those that are refused are not counted.
   *
   * @throws RATE_LIMITED where others have to end first; TOO_LARGE where that would not help, since the
   * request alone is more than a client may hold.
   */
  take(bytes: number): void;
  /** Gives back all that was taken; nothing counts any more from then on. */
  release(): void;
}

/** Until what others hold may be free: nobody knows, and who asks too early is told so again. */
const retryAfterMs = 1000;

/** Makes a budget. What it remembers are clients that hold something, and these it bounds. */
export function byteBudget(): ByteBudget {
  const ofClients = new Map<string, number>();
  let heldBytes = 0;

  function change(client: string, bytes: number): void {
    const left = (ofClients.get(client) ?? 0) + bytes;
    if (left === 0) ofClients.delete(client);
    else ofClients.set(client, left);
    heldBytes += bytes;
  }
  return {
    get heldBytes() {
      return heldBytes;
    },
    hold(client, bytesMax) {
      const clientBytesMax = Math.floor(bytesMax / 2);
      let own = 0;
      let isOver = false;
      return {
        take(bytes) {
          if (isOver) return;
          if (own + bytes > clientBytesMax) throw tooLong(clientBytesMax);
          if ((ofClients.get(client) ?? 0) + bytes > clientBytesMax) {
            throw limited("its requests hold as long lists as they may");
          }
          if (heldBytes + bytes > bytesMax)
            throw limited("all requests hold as long lists as they may");
          change(client, bytes);
          own += bytes;
        },
        release() {
          if (isOver) return;
          isOver = true;
          change(client, -own);
        },
      };
    },
  };
}

function limited(why: string): StoreError {
  return new StoreError({
    code: "RATE_LIMITED",
    operation: "receive",
    subject: "list",
    message: `${why}; ask again when some of them were answered`,
    retryAfterMs,
  });
}

function tooLong(most: number): StoreError {
  const message = `it takes more than the ${most} bytes that a client's lists may; send it in parts`;
  return new StoreError({ code: "TOO_LARGE", operation: "receive", subject: "list", message });
}
