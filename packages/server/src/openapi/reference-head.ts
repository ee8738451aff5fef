import { type ErrorCode, errorTable } from "@bitstore/core";
import { problemTitles } from "../wire/problem.ts";

const errorRows = (Object.keys(errorTable) as ErrorCode[])
  .map((code) => `| \`${code}\` | ${errorTable[code].http} | ${problemTitles[code]} |`)
  .join("\n");

/** What holds for every route, at the head of docs/http-api.md. */
export const referenceHead: string = `# HTTP API

Made from the routes themselves by \`test/docs/write-http-reference.ts\`; \`/openapi.json\` says the same
to programs. In the examples \`BITSTORE\` is the server, such as \`http://127.0.0.1:7070\`, and
\`BITSTORE_TOKEN\` a token.

## What holds for all routes

**Who asks.** \`Authorization: Bearer TOKEN\`, with a token of the server's config or a JWT of its issuer.
A server without \`auth\` asks nobody: leave that line out of the examples there, since a token that is
not known is refused everywhere. Each route says which scope it needs; no scope includes another.
[access.md](access.md) says more.

**Bodies.** JSON is sent with \`Content-Type: application/json\`, in UTF-8, up to 256 KiB, and a field that
a route does not know is refused. A blob is sent as it is; its \`Content-Type\` is not looked at, and a
\`Content-Encoding\` is refused. A blob's length may be left out (\`Transfer-Encoding: chunked\`). Send
\`Expect: 100-continue\` to be refused before the body is sent.

**Paths.** A tag is one segment, so its slashes are written as \`%2F\`: the tag \`models/prod\` is
\`/v1/tags/models%2Fprod\`. The colon of a digest may stand as it is. A query parameter that a route does
not know, or that is there twice, is refused.

**Entity tags.** A blob's \`ETag\` is its digest in quotes, and never changes: \`If-None-Match\` with it gives
304, \`If-Match\` with another 412. A tag's is the sequence of its newest entry in quotes. Tags are written
on conditions: \`If-Match: "6"\` only where it is at entry 6, \`If-Match: "sha256:…"\` only where it points
there, \`If-Match: *\` only where it points to anything, \`If-None-Match: *\` only where it is absent or
deleted. Several may be listed with commas. Where a condition does not hold the answer is 412, with the
newest entry as \`current\`.

**Idempotency-Key.** One key for each write of a tag, new for each, 1 to 255 characters; 32 random hex
digits are best. A write that is sent again with the same key, after an answer that was lost, is not
written twice, and is answered as the first was. A blob needs none: putting it twice is putting it once.

**Pages.** Lists have \`n\` items at most; where \`next\` is in the answer it is what the next request gives as
\`after\` (\`before\` in a history).

**Answers.** Every answer has an \`X-Request-Id\`, the caller's own where it sent one of up to 64 of
\`A-Z a-z 0-9 _ . : -\`. Every error is \`application/problem+json\`, but for those of HEAD, which have no body:
\`code\`, \`status\`, \`title\`, \`detail\` (what is wrong and what to do), \`requestId\` and \`persistence\`:
\`transient\` may succeed if it is asked again, after \`Retry-After\` seconds where that is said; \`permanent\`
and \`exhausted\` will not. \`attempts\` is what each tier said, for callers that are not confined to tag
prefixes. [errors.md](errors.md) says what to do about each code.

| code | status | |
|---|---:|---|
${errorRows}

A path that is no route is answered with 404 and the code \`UNSUPPORTED\`, never with \`NOT_FOUND\`, which is
said of a blob or a tag alone.
`;
