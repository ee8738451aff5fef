import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection on which a test speaks HTTP by hand. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  send(text: string | Uint8Array): void;
  /** Resolves to all that came, once it holds the text. */
  until(text: string): Promise<string>;
  /** Resolves to what came until the server ended, and how it did. */
  end(): Promise<{ readonly text: string; readonly how: "end" | "reset" }>;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let text = "";
  let how: "end" | "reset" = "end";
  const looks = new Set<() => void>();
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    for (const look of looks) look();
  });
  socket.on("error", () => {
    how = "reset";
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  return {
    socket,
    send: (data) => void socket.write(data),
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!text.includes(wanted)) return;
          looks.delete(look);
          resolve(text);
        };
        looks.add(look);
        socket.once("close", () => reject(new Error(`it ended at ${JSON.stringify(text)}`)));
        look();
      }),
    async end() {
      await closed;
      return { text, how };
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
