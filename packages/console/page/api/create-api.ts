import { eventsOf } from "./events.ts";
import { ApiError, problemOf } from "./problem.ts";
import type { Explanation, HistoryPage, PutResult, TagHead, TagPage, TierStatus } from "./types.ts";

/** The public API of the server that the page came from, as far as the page needs it. */
export interface Api {
  readonly token: {
    get(): string;
    set(token: string): void;
    /** Calls back whenever the server refuses a request for want of a right token. */
    onWanted(callback: () => void): () => void;
  };
  tiers(): Promise<readonly TierStatus[]>;
  explain(digest: string, signal: AbortSignal): Promise<Explanation>;
  put(file: Blob, onProgress: (sent: number) => void, signal: AbortSignal): Promise<PutResult>;
  /** Reads a whole blob at a path of the API: by its digest, or through a tag. */
  download(path: string): Promise<Blob>;
  tags(prefix: string, after: string | undefined): Promise<TagPage>;
  entry(tag: string, seq: number): Promise<TagHead>;
  history(tag: string, before: number | undefined): Promise<HistoryPage>;
  setTag(tag: string, digest: string, expect: number | "absent", reason: string): Promise<TagHead>;
  rollback(tag: string, seq: number, expect: number, reason: string): Promise<TagHead>;
  removeTag(tag: string, expect: number): Promise<void>;
  /** Calls back for each entry after a sequence, until the signal aborts or the stream ends. */
  watch(
    tag: string,
    since: number,
    onEntry: (entry: TagHead) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Names of a page of tags. */
const tagsMax = 100;
/** Records of a page of history. */
const recordsMax = 50;

const tokenKey = "bitstore-token";

const pathOf = (tag: string): string => `/v1/tags/${encodeURIComponent(tag)}`;
export const blobPath = (digest: string): string => `/v1/blobs/${encodeURIComponent(digest)}`;
export const entryPath = (tag: string, seq: number): string => `${pathOf(tag)}/blob?seq=${seq}`;

/** Makes the API of a window: its token lives as long as the tab. */
export function createApi(window: Window & typeof globalThis): Api {
  const storage = window.sessionStorage;
  const authorization = (): Record<string, string> => {
    const token = storage.getItem(tokenKey) ?? "";
    return token === "" ? {} : { authorization: `Bearer ${token}` };
  };

  const wanted = new EventTarget();
  function failure(status: number, text: string): ApiError {
    if (status === 401) wanted.dispatchEvent(new Event("wanted"));
    return new ApiError(problemOf(status, text));
  }

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...authorization(), ...(init.headers as Record<string, string> | undefined) };
    const response = await window.fetch(path, { ...init, headers });
    if (!response.ok) throw failure(response.status, await response.text());
    return response;
  }

  async function json<T>(path: string, init?: RequestInit): Promise<T> {
    return (await (await ask(path, init)).json()) as T;
  }

  const write = (method: string, expect: number | "absent", body?: unknown): RequestInit => ({
    method,
    headers: {
      ...(expect === "absent" ? { "if-none-match": "*" } : { "if-match": `"${expect}"` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const because = (reason: string): object => (reason === "" ? {} : { reason });

  return {
    token: {
      get: () => storage.getItem(tokenKey) ?? "",
      set: (token) => {
        if (token === "") storage.removeItem(tokenKey);
        else storage.setItem(tokenKey, token);
      },
      onWanted: (callback) => {
        wanted.addEventListener("wanted", callback);
        return () => wanted.removeEventListener("wanted", callback);
      },
    },
    tiers: async () => (await json<{ tiers: TierStatus[] }>("/v1/tiers")).tiers,
    explain: (digest, signal) => json(`/v1/explain/${encodeURIComponent(digest)}`, { signal }),
    put: (file, onProgress, signal) => upload(window, file, authorization(), onProgress, signal),
    download: async (path) => (await ask(path)).blob(),
    tags: (prefix, after) => {
      const query = new URLSearchParams({ n: String(tagsMax), expand: "head" });
      if (prefix !== "") query.set("prefix", prefix);
      if (after !== undefined) query.set("after", after);
      return json(`/v1/tags?${query}`);
    },
    entry: (tag, seq) => json(`${pathOf(tag)}?seq=${seq}`),
    history: (tag, before) => {
      const query = new URLSearchParams({ n: String(recordsMax) });
      if (before !== undefined) query.set("before", String(before));
      return json(`${pathOf(tag)}/history?${query}`);
    },
    setTag: (tag, digest, expect, reason) =>
      json(pathOf(tag), write("PUT", expect, { digest, ...because(reason) })),
    rollback: (tag, seq, expect, reason) =>
      json(`${pathOf(tag)}/rollback`, write("POST", expect, { seq, ...because(reason) })),
    removeTag: async (tag, expect) => {
      await ask(pathOf(tag), write("DELETE", expect));
    },
    watch: async (tag, since, onEntry, signal) => {
      const headers = { accept: "text/event-stream", "last-event-id": String(since) };
      const { body } = await ask(`${pathOf(tag)}/watch`, { signal, headers });
      if (body === null) return;
      for await (const { data } of eventsOf(body)) onEntry(JSON.parse(data) as TagHead);
    },
  };
}

/** Sends a file. fetch tells nothing of how far an upload is, so this is the older request. */
function upload(
  window: Window & typeof globalThis,
  file: Blob,
  headers: Record<string, string>,
  onProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<PutResult> {
  return new Promise((resolve, reject) => {
    const request = new window.XMLHttpRequest();
    request.open("POST", "/v1/blobs");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("error", () => reject(new TypeError("the upload broke off")));
    request.addEventListener("abort", () => reject(new Error("The upload was cancelled.")));
    request.addEventListener("load", () => {
      if (request.status === 200 || request.status === 201) {
        resolve(JSON.parse(request.responseText) as PutResult);
      } else {
        reject(new ApiError(problemOf(request.status, request.responseText)));
      }
    });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
