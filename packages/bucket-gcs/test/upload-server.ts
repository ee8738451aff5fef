import type { IncomingMessage, ServerResponse } from "node:http";
import { json, refuse, scriptedServer, type ScriptedServer, type Seen } from "./scripted-server.ts";

/** What goes wrong with one request of an upload. */
export type Fault =
  /** The connection breaks before anything was read. */
  | { readonly kind: "reset" }
  /** Everything is done, and the answer lost. */
  | { readonly kind: "lost" }
  /** This many bytes of the part are kept, and 308 says so. */
  | { readonly kind: "partial"; readonly bytes: number }
  /** All that was kept before is gone, and 308 says so. */
  | { readonly kind: "forget" }
  /** Nothing is done. */
  | { readonly kind: "refuse"; readonly status: number; readonly headers?: Record<string, string> }
  /** It is never answered. */
  | { readonly kind: "hang" };

/** A PUT to a session: which one it is, from 1 on, and its `Content-Range`. */
export interface SessionPut {
  readonly turn: number;
  readonly contentRange: string;
}

export interface UploadServer extends AsyncDisposable {
  readonly server: ScriptedServer;
  /** Objects that have become visible, by key. */
  readonly objects: ReadonlyMap<string, Buffer>;
  /** `Content-Range` of the PUTs that came. */
  readonly ranges: string[];
  /** Sessions that were deleted. */
  readonly deleted: number;
  /** Sessions that were begun and neither finished nor deleted. */
  readonly sessions: number;
}

export interface UploadServerOptions {
  readonly fault?: ((put: SessionPut) => Fault | undefined) | undefined;
  /** Host that the sessions' URLs name. */
  readonly sessionHost?: string | undefined;
  /** Status of the answer to the beginning of a session. */
  readonly beginStatus?: number | undefined;
  /** Whether a question how far it got ends the upload, as an emulator does it. */
  readonly endsWhenAsked?: boolean | undefined;
  /** Whether the condition of the session holds. */
  readonly conditionHolds?: boolean | undefined;
}

interface Session {
  readonly key: string;
  bytes: Buffer;
  done: boolean;
}

/** Starts a server that speaks the service's resumable uploads as documented, with faults. */
export async function uploadServer(options: UploadServerOptions = {}): Promise<UploadServer> {
  const objects = new Map<string, Buffer>();
  const sessions = new Map<string, Session>();
  const ranges: string[] = [];
  let deleted = 0;
  let turns = 0;
  const faults = new Map<IncomingMessage | string, Fault>();

  const finish = (session: Session, response: ServerResponse): void => {
    if (options.conditionHolds === false) {
      refuse(response, 412, "conditionNotMet");
      return;
    }
    session.done = true;
    objects.set(session.key, session.bytes);
    json(response, 200, { size: String(session.bytes.byteLength), generation: "11" });
  };

  function begin(seen: Seen, response: ServerResponse): void {
    if (options.beginStatus !== undefined) {
      refuse(response, options.beginStatus);
      return;
    }
    const id = `secret-${sessions.size + 1}`;
    sessions.set(id, { key: seen.query.get("name") ?? "", bytes: Buffer.alloc(0), done: false });
    const host = options.sessionHost ?? server.endpoint;
    const location = `${host}/upload/storage/v1/b/up/o?uploadType=resumable&upload_id=${id}`;
    json(response, 200, {}, { location });
  }

  function put(session: Session, seen: Seen, fault: Fault | undefined, response: ServerResponse) {
    const range = String(seen.headers["content-range"]);
    const [, from, total] = /^bytes (?:\*|(\d+)-\d+)\/(\*|\d+)$/.exec(range) ?? [];
    if (from !== undefined) {
      const taken = fault?.kind === "partial" ? fault.bytes : seen.body.byteLength;
      const keep = session.bytes.subarray(0, Number(from));
      session.bytes = Buffer.concat([keep, seen.body.subarray(0, taken)]);
    }
    if (fault?.kind === "forget") session.bytes = Buffer.alloc(0);
    const complete = total !== "*" && session.bytes.byteLength === Number(total);
    if (fault?.kind === "lost") {
      if (complete) finish(session, response);
      response.destroy();
    } else if (session.done || complete || (from === undefined && options.endsWhenAsked)) {
      finish(session, response);
    } else {
      const { byteLength } = session.bytes;
      const headers = byteLength === 0 ? {} : { range: `bytes=0-${byteLength - 1}` };
      response.writeHead(308, { ...headers, "content-length": 0 });
      response.end();
    }
  }

  function script(seen: Seen, response: ServerResponse): void {
    const id = seen.query.get("upload_id");
    const session = sessions.get(id ?? "");
    if (seen.method === "POST") {
      begin(seen, response);
    } else if (seen.method === "DELETE" && id === null) {
      objects.delete(decodeURIComponent(seen.path.split("/o/")[1] ?? ""));
      response.writeHead(204).end();
    } else if (session === undefined) {
      refuse(response, 410, "gone");
    } else if (seen.method === "DELETE") {
      deleted += 1;
      sessions.delete(id ?? "");
      refuse(response, 499, "cancelled");
    } else {
      const fault = faults.get(String(seen.headers["x-test-turn"]));
      put(session, seen, fault, response);
    }
  }

  function intercept(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== "PUT") return false;
    turns += 1;
    const contentRange = String(request.headers["content-range"]);
    ranges.push(contentRange);
    const fault = options.fault?.({ turn: turns, contentRange });
    if (fault === undefined) return false;
    if (fault.kind === "reset") request.socket.destroy();
    else if (fault.kind === "hang") request.resume();
    else if (fault.kind === "refuse") {
      request.resume();
      request.on("end", () => refuse(response, fault.status, "x", "no", fault.headers));
    } else {
      request.headers["x-test-turn"] = String(turns);
      faults.set(String(turns), fault);
      return false;
    }
    return true;
  }

  const server = await scriptedServer(script, intercept);
  return {
    server,
    objects,
    ranges,
    get deleted() {
      return deleted;
    },
    get sessions() {
      return [...sessions.values()].filter(({ done }) => !done).length;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
