import {
  algorithmOf,
  type BlobStore,
  checkRange,
  defaultAlgorithm,
  type Digest,
  isWhole,
  type SourceCapabilities,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { Asking } from "./ask.ts";
import type { RequestUrl } from "./exchange.ts";
import { headerValues } from "./header-values.ts";
import type { HttpApi } from "./http-api.ts";
import { type HttpSourceOptions, httpSourceSettings } from "./http-source-options.ts";
import { openBlob } from "./open-blob.ts";
import { openDispatcher } from "./open-dispatcher.ts";
import type { Priced } from "./price.ts";
import { addressPolicy, isPrivateHost } from "./private-address.ts";
import { putBlob } from "./put-blob.ts";
import { unsupportedWrites } from "./read-only.ts";
import { sourceLimits } from "./source-limits.ts";
import { statByHead } from "./stat-blob.ts";
import { parseUrlTemplate } from "./url-template.ts";

/**
 * Makes a source of an HTTP API that has blobs by their digest. `open` is a GET: 404, 410 and 204
 * mean absent, other failures are as `status-table.ts` says; nothing is retried. `stat` is a HEAD;
 * it rejects with UNSUPPORTED where HEAD can't answer: 405, 501 (both remembered), 204, no
 * Content-Length, or a length of 0 for a blob that is not empty. `put` is refused unless allowed;
 * `delete` and `list` are refused always.
 *
 * A read holds one of `concurrencyMax` slots until it is consumed or disposed. A `Retry-After` of
 * 429 or 503 holds all later requests of the source, for `retryAfterMsMax` at most.
 *
 * @example
 * const api = httpSource({
 *   url: "https://api.example.com/blobs/{hex}",
 *   algorithm: "sha1",
 *   headers: { authorization: "Bearer env:API_TOKEN" },
 * });
 * @throws CONFIG_INVALID, with a hint, for options that can't work.
 */
export function httpSource(options: HttpSourceOptions): BlobStore & Priced {
  const template = parseUrlTemplate(options.url, options);
  const settings = httpSourceSettings(options);
  const { clock, environment } = settings;
  const source = options.name ?? template.shown;
  const allowed = options.privateAddresses ?? isPrivateHost(template.hostname);
  const addresses = addressPolicy(allowed, options.lookup);
  const asking: Asking = {
    source,
    clock,
    timing: settings,
    addresses,
    dispatcher: openDispatcher(addresses, settings.connectTimeoutMs, environment),
    limits: sourceLimits(clock, settings),
    headers: headerValues(options.headers ?? {}, environment),
  };
  const capabilities: SourceCapabilities = {
    algorithms: template.algorithms,
    stat: settings.head,
    rangeRead: settings.rangeRead,
    put: options.put ?? false,
    delete: false,
    list: false,
  };
  const { origin, hostname } = template;
  const url = (digest: Digest): RequestUrl => ({ origin, hostname, path: template.path(digest) });
  const api: HttpApi = { source, asking, settings, url };
  const head = statByHead(api);
  const holds = (digest: Digest): boolean => template.algorithms.includes(algorithmOf(digest));
  const unsupported = (operation: string, subject: string, message: string): StoreError =>
    new StoreError({ code: "UNSUPPORTED", operation, subject, source, message });

  const writes = unsupportedWrites(source);
  return {
    name: source,
    capabilities,
    price: options.price,
    async stat(digest, call = {}) {
      if (!holds(digest)) return undefined;
      throwIfAborted(call.signal, "stat", digest);
      return await head(digest, call);
    },
    async open(digest, call = {}) {
      if (!holds(digest)) return undefined;
      checkRange(call.range, "open", digest);
      throwIfAborted(call.signal, "open", digest);
      if (!settings.rangeRead && !isWhole(call.range)) {
        throw unsupported("open", digest, "ranges are not asked of this API (rangeRead is false)");
      }
      const release = await asking.limits.slot("open", call.signal, digest);
      return await openBlob(api, digest, call, "open", release);
    },
    async put(body, put = {}) {
      if (!capabilities.put) return await writes.put(body, put);
      const algorithm = put.digest ? algorithmOf(put.digest) : (put.algorithm ?? defaultAlgorithm);
      const subject = put.digest ?? algorithm;
      if (!template.algorithms.includes(algorithm)) {
        const held = template.algorithms.join(", ");
        throw unsupported("put", subject, `it holds ${held}, not ${algorithm}`);
      }
      throwIfAborted(put.signal, "put", subject);
      const release = await asking.limits.slot("put", put.signal, subject);
      try {
        return await putBlob(api, body, algorithm, put);
      } finally {
        release();
      }
    },
    delete: writes.delete,
    list: writes.list,
    [Symbol.asyncDispose]: () => asking.dispatcher.destroy(),
  };
}
