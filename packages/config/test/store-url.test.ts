import { isStoreError } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { formatStoreUrl } from "../src/url/format-store-url.ts";
import { parseStoreUrl } from "../src/url/parse-store-url.ts";

/** Parses, expecting a refusal; returns its message. */
function refusal(input: string): string {
  try {
    parseStoreUrl(input, "/base");
  } catch (error) {
    if (isStoreError(error, "INVALID_ARGUMENT")) return error.message;
    throw error;
  }
  throw new Error(`${input} was taken`);
}

describe("parseStoreUrl takes every form of the table", () => {
  // Each row is a URL and the location that it means; the canonical text must mean the same again.
  it.each<[string, object]>([
    ["s3://models", { kind: "s3", bucket: "models", prefix: "" }],
    ["s3://models/", { kind: "s3", bucket: "models", prefix: "" }],
    ["S3://models/a/b/", { kind: "s3", bucket: "models", prefix: "a/b/" }],
    ["s3://models/a%20b%3Fc/", { kind: "s3", bucket: "models", prefix: "a b?c/" }],
    ["s3://models//", { kind: "s3", bucket: "models", prefix: "/" }],
    [
      "gs://my_bucket.example.com/p/",
      { kind: "gs", bucket: "my_bucket.example.com", prefix: "p/" },
    ],
    ["az://files/p/", { kind: "az", service: undefined, container: "files", prefix: "p/" }],
    ["az://$root/", { kind: "az", service: undefined, container: "$root", prefix: "" }],
    [
      "https://acct.blob.core.windows.net/files/p/",
      {
        kind: "az",
        service: "https://acct.blob.core.windows.net",
        container: "files",
        prefix: "p/",
      },
    ],
    [
      "http://acct.blob.core.windows.net/files",
      { kind: "az", service: "http://acct.blob.core.windows.net", container: "files", prefix: "" },
    ],
    [
      "https://acct.z01.blob.storage.azure.net/files/",
      {
        kind: "az",
        service: "https://acct.z01.blob.storage.azure.net",
        container: "files",
        prefix: "",
      },
    ],
    ["file:///data/blobs", { kind: "file", directory: "/data/blobs" }],
    ["file:/data", { kind: "file", directory: "/data" }],
    ["file://localhost/data/", { kind: "file", directory: "/data" }],
    ["file:///a%20b%25", { kind: "file", directory: "/a b%" }],
    ["/data", { kind: "file", directory: "/data" }],
    ["./blobs", { kind: "file", directory: "/base/blobs" }],
    ["../blobs/", { kind: "file", directory: "/blobs" }],
    ["blobs", { kind: "file", directory: "/base/blobs" }],
    [".", { kind: "file", directory: "/base" }],
    ["/a#b%", { kind: "file", directory: "/a#b%" }],
    ["./a:b", { kind: "file", directory: "/base/a:b" }],
    ["memory:", { kind: "memory" }],
    ["memory://", { kind: "memory" }],
    ["https://h/x/{digest}", { kind: "http", template: "https://h/x/{digest}" }],
    [
      "http://h:8080/{algorithm}/{hex}",
      { kind: "http", template: "http://h:8080/{algorithm}/{hex}" },
    ],
    ["https://h/{hex:0:2}/{hex:2:}", { kind: "http", template: "https://h/{hex:0:2}/{hex:2:}" }],
    ["https://H/%7Bhex%7D", { kind: "http", template: "https://h/{hex}" }],
    ["https://h/x?id={hex}", { kind: "http", template: "https://h/x?id={hex}" }],
    [
      "https://h/x?id=a-{hex}&query.format=a%20b",
      { kind: "http", template: "https://h/x?id=a-{hex}&format=a%20b" },
    ],
    // A template on an Azure host is an API: a public container by name of the blob.
    [
      "https://acct.blob.core.windows.net/files/{hex}",
      { kind: "http", template: "https://acct.blob.core.windows.net/files/{hex}" },
    ],
    ["bitstore+https://h", { kind: "bitstore", base: "https://h" }],
    ["bitstore+http://h:7070/base/", { kind: "bitstore", base: "http://h:7070/base" }],
  ])("%s", (input, location) => {
    const parsed = parseStoreUrl(input, "/base");
    expect(parsed).toEqual({ location, options: {} });
    expect(parseStoreUrl(formatStoreUrl(parsed), "/elsewhere")).toEqual(parsed);
  });
});

describe("parseStoreUrl takes every option", () => {
  // The text after the question mark, on a URL that knows the option, and what it says.
  it.each<[string, object]>([
    ["s3://models/?endpoint=http://127.0.0.1:9000/", { endpoint: "http://127.0.0.1:9000" }],
    ["s3://models/?endpoint=https%3A%2F%2Fh%2Fa%2F", { endpoint: "https://h/a" }],
    ["s3://models/?region=eu-central-1", { region: "eu-central-1" }],
    ["s3://models/?pathStyle=true", { pathStyle: true }],
    ["s3://models/?anonymous", { anonymous: true }],
    ["s3://models/?profile=my%20team", { profile: "my team" }],
    ["s3://models/?layout=flat&algorithm=sha1", { layout: "flat", algorithm: "sha1" }],
    ["s3://models/?layout=sharded", { layout: "sharded" }],
    ["s3://models/?algorithm=sha3-256", { algorithm: "sha3-256" }],
    ["s3://models/?role=source", { role: "source" }],
    ["s3://models/?role=cache", { role: "cache" }],
    ["s3://models/?origin", { origin: true }],
    ["s3://models/?origin=false", { origin: false }],
    ["s3://models/?readOnly=false&heal=true", { readOnly: false, heal: true }],
    ["s3://models/?hedge=true", { hedge: true }],
    ["s3://models/?price=0.0004", { price: { perRequest: 0.0004, currency: "USD" } }],
    ["s3://models/?price=1.5%20EUR", { price: { perRequest: 1.5, currency: "EUR" } }],
    ["s3://models/?onFailure=stop", { onFailure: "stop" }],
    ["s3://models/?forbiddenMeans=miss", { forbiddenMeans: "miss" }],
    ["s3://models/?timeoutMs=2000&concurrencyMax=8", { timeoutMs: 2000, concurrencyMax: 8 }],
    ["s3://models/?negativeTtlMs=0", { negativeTtlMs: 0 }],
    [`s3://models/?canary=${"A".repeat(64)}`, { canary: `sha256:${"a".repeat(64)}` }],
    ["s3://models/?name=ours&fill=disk,memory", { name: "ours", fill: ["disk", "memory"] }],
    ["s3://models/?fill=", { fill: [] }],
    [
      "s3://models/?requesterPays&storageClass=STANDARD_IA",
      { requesterPays: true, storageClass: "STANDARD_IA" },
    ],
    ["s3://models/?serverSideEncryption=aws:kms", { serverSideEncryption: "aws:kms" }],
    ["gs://models/?partBytes=16MiB", { partBytes: 16 * 2 ** 20 }],
    ["az://files/?account=acct", { account: "acct" }],
    ["./cache?role=cache&bytesMax=50GiB", { role: "cache", bytesMax: 50 * 2 ** 30 }],
    ["memory:?role=cache&bytesMax=1.5MiB", { role: "cache", bytesMax: 1.5 * 2 ** 20 }],
    ["https://h/{hex}?put=true&requestsPerSecondMax=5", { put: true, requestsPerSecondMax: 5 }],
    ["https://h/{hex}?header.X-Team=a%20b+c", { headers: { "x-team": "a b+c" } }],
    [
      "https://h/{hex}?header.authorization=Bearer%20env:API_TOKEN",
      { headers: { authorization: "Bearer env:API_TOKEN" } },
    ],
    ["bitstore+https://h?header.x-a=file:/run/x", { headers: { "x-a": "file:/run/x" } }],
  ])("%s", (input, options) => {
    const parsed = parseStoreUrl(input, "/base");
    expect(parsed.options).toEqual(options);
    expect(parseStoreUrl(formatStoreUrl(parsed), "/elsewhere")).toEqual(parsed);
  });

  it("ends a folder's prefix with a slash, and takes a flat prefix as it is written", () => {
    // Existing flat buckets may start their keys with anything; a sharded one always has a folder.
    const prefixOf = (url: string): unknown => parseStoreUrl(url, "/").location;
    expect(prefixOf("s3://models/a")).toMatchObject({ prefix: "a/" });
    expect(prefixOf("s3://models/a?layout=flat&algorithm=sha1")).toMatchObject({ prefix: "a" });
  });
});

describe("parseStoreUrl refuses with what to do", () => {
  // Each row is a mistake and the whole message: it names the URL without secrets, and the way out.
  it.each<[string, string]>([
    ["", "parse store: is empty; write a store URL or a path, such as s3://bucket/prefix/"],
    [" s3://models/", "parse store  s3://models/: has white space around it"],
    ["s3://mod\nels/", "parse store s3://mod\\u000aels/: has a control character"],
    ["gcs://models/", "parse store gcs://models/: unknown scheme gcs:, did you mean gs://?"],
    ["s4://models/", "parse store s4://models/: unknown scheme s4:, did you mean s3://?"],
    ["abfss://files/", "parse store abfss://files/: unknown scheme abfss:, did you mean az://?"],
    ["mem:", "parse store mem:: unknown scheme mem:, did you mean memory:?"],
    [
      "bitstore://h",
      "parse store bitstore://h: unknown scheme bitstore:, did you mean bitstore+https://?",
    ],
    [
      "C:\\data",
      "parse store C:\\data: looks like a Windows drive; write the directory as file:///dir",
    ],
    ["s3:models", "parse store s3:models: names no bucket; write s3://bucket/prefix/"],
    ["s3:///a", "parse store s3:///a: names no bucket; write s3://bucket/prefix/"],
    [
      "s3://127.0.0.1:9000/models/",
      "parse store s3://127.0.0.1:9000/models/: has no valid bucket name; write s3://bucket/prefix/, and another host as ?endpoint=",
    ],
    [
      "az://UPPER/",
      "parse store az://UPPER/: has no valid container name; it is 3 to 63 lower-case letters, digits and hyphens",
    ],
    [
      "s3://models/100%",
      "parse store s3://models/100%: has a broken % escape; a percent sign itself is written %25",
    ],
    ["s3://models/a%0A", "parse store s3://models/a%0A: the prefix has a control character"],
    [
      "s3://models/#a",
      "parse store s3://models/#a: has a fragment; write a number sign in a prefix as %23",
    ],
    [
      "file://data",
      "parse store file://data: a directory has no host; write file:///dir with three slashes, or a path",
    ],
    [
      "file:///a%2Fb",
      "parse store file:///a%2Fb: has an escaped slash, which no directory name holds",
    ],
    ["file:///a%00b", "parse store file:///a%00b: the path has a control character"],
    [
      "~/blobs",
      "parse store ~/blobs: only a shell expands ~; write ${HOME} in a config file, or the whole path",
    ],
    ["memory:x", "parse store memory:x: memory has no path; write memory: alone"],
    [
      "https://h/blobs",
      "parse store https://h/blobs: names no blob; an HTTP API is written with {digest} or {hex} in its path, another bitstore as bitstore+https://host",
    ],
    [
      "https://h/{algorithm}",
      "parse store https://h/{algorithm}: does not name the whole digest; write {digest} or {hex} where the API wants it",
    ],
    [
      "https://h/{hex:0:2}/{hex:4:}",
      "parse store https://h/{hex:0:2}/{hex:4:}: does not name the whole digest; write {digest} or {hex} where the API wants it",
    ],
    [
      "https://h/{hash}",
      "parse store https://h/{hash}: unknown placeholder {hash}, known are {digest}, {algorithm}, {hex}",
    ],
    [
      "https://h/{hex}/{",
      "parse store https://h/{hex}/{: a brace is left open; write {digest}, {algorithm} or {hex}",
    ],
    [
      "https://{hex}.h/",
      "parse store https://{hex}.h/: has a placeholder in its host; write placeholders in the path or query only",
    ],
    [
      "https://acct.blob.core.windows.net/",
      "parse store https://acct.blob.core.windows.net/: names no container; write https://ACCOUNT.blob.core.windows.net/container/prefix/",
    ],
    [
      "bitstore+https://",
      "parse store bitstore+https://: names no host; write bitstore+https://host",
    ],
    [
      "s3://models/?rol=cache",
      'parse store s3://models/?rol=***: unknown option "rol", did you mean "role"?',
    ],
    [
      "s3://models/?readonly",
      'parse store s3://models/?readonly: unknown option "readonly", did you mean "readOnly"?',
    ],
    [
      "https://h/{hex}?format=raw",
      'parse store https://h/{hex}?format=***: unknown option "format"; write query.format=… to send it to the API',
    ],
    ["s3://models/?role", "parse store s3://models/?role: role has no value"],
    [
      "s3://models/?role=cahce",
      'parse store s3://models/?role=cahce: role is "cahce"; it is one of source, cache, did you mean "cache"?',
    ],
    [
      "s3://models/?origin=yes",
      'parse store s3://models/?origin=yes: origin is "yes"; write true or false',
    ],
    ["s3://models/?origin=", 'parse store s3://models/?origin=: origin is ""; write true or false'],
    [
      "s3://models/?timeoutMs=0",
      'parse store s3://models/?timeoutMs=0: timeoutMs is "0"; write milliseconds from 1 to 86400000',
    ],
    [
      "s3://models/?timeoutMs=30s",
      'parse store s3://models/?timeoutMs=30s: timeoutMs is "30s"; write milliseconds from 1 to 86400000',
    ],
    [
      "./c?bytesMax=50Gi",
      'parse store ./c?bytesMax=50Gi: bytesMax "50Gi" is no size in bytes; write a number and a unit, such as 256MiB or 50GiB',
    ],
    [
      "s3://models/?bytesMax=1GiB",
      "parse store s3://models/?bytesMax=1GiB: bytesMax is no option of s3:; it is one of file:, memory:",
    ],
    [
      "gs://models/?region=x",
      "parse store gs://models/?region=x: region is no option of gs:; it is one of s3:",
    ],
    [
      "s3://models/?header.x-a=b",
      "parse store s3://models/?header.x-a=***: headers are no option of s3:; they are one of https:",
    ],
    [
      "https://h/{hex}?header.range=x",
      "parse store https://h/{hex}?header.range=***: header.range is set by the request itself; leave it out",
    ],
    [
      "s3://models/?origin&origin",
      "parse store s3://models/?origin&origin: origin is written twice; keep one",
    ],
    [
      "https://h/{hex}?header.X-A=1&header.x-a=2",
      "parse store https://h/{hex}?header.X-A=***&header.x-a=***: header.x-a is written twice; keep one",
    ],
    [
      "s3://models/?origin&",
      "parse store s3://models/?origin&: has an empty option; write ?name=value&name=value",
    ],
    [
      "s3://models/?layout=flat",
      "parse store s3://models/?layout=flat: layout=flat holds one algorithm; say which, such as algorithm=sha1",
    ],
    [
      "s3://models/?anonymous&profile=x",
      "parse store s3://models/?anonymous&profile=x: anonymous and profile exclude each other; keep one",
    ],
    [
      "https://acct.blob.core.windows.net/files/?account=other",
      "parse store https://acct.blob.core.windows.net/files/?account=other: account is said by the URL's host as well; keep one",
    ],
  ])("%j", (input, message) => {
    expect(refusal(input)).toBe(message);
  });

  it("lists what is known where nothing is near", () => {
    expect(refusal("s3://models/?zzzzzz=1")).toContain("known are name, role, origin");
    expect(refusal("zzzzzz://models/")).toContain("known are s3, gs, az, file, memory, http");
  });

  it("bounds what it takes", () => {
    expect(refusal(`s3://models/${"a".repeat(5000)}`)).toContain("is longer than 4096 characters");
    expect(refusal(`s3://models/${"a".repeat(513)}`)).toContain("is longer than 512 bytes");
    expect(refusal(`s3://models/${"é".repeat(300)}`)).toContain("is longer than 512 bytes");
    expect(refusal("s3://models/\ud800")).toContain("unpaired surrogate");
  });

  it("wants an absolute base for a relative path", () => {
    expect(() => parseStoreUrl("./a", "relative")).toThrow(
      "a relative path needs an absolute base",
    );
  });
});
