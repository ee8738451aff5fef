import { describe, expect, it } from "vitest";
import { folderWith, mistakes, yamlMistakes } from "./folder.ts";

describe("a mistake in the file is named with file, line, column and key", () => {
  // Each row is a file with one mistake, and the whole line that is printed of it.
  it.each<[string, string, string]>([
    [
      "an unknown key",
      "tiers:\n  - url: ./a\n  - { url: ./b, rol: cache }\n",
      'bitstore.yaml:3:17: tiers[1].rol: unknown key, did you mean "role"?',
    ],
    [
      "an unknown key at the top",
      "tier:\n  - url: ./a\n",
      'bitstore.yaml:1:1: tier: unknown key, did you mean "tiers"?',
    ],
    [
      "no url",
      "tiers:\n  - name: a\n",
      "bitstore.yaml:2:5: tiers[0].url: is missing; every tier has one",
    ],
    [
      "a tier that is no map",
      "tiers:\n  - ./a\n",
      "bitstore.yaml:2:5: tiers[0]: is a text; write a map with url and options",
    ],
    [
      "an empty list",
      "tiers: []\n",
      "bitstore.yaml:1:8: tiers: is empty; leave it out for the default",
    ],
    [
      "a value left out",
      "tiers:\n  - url: ./a\n    role:\n",
      "bitstore.yaml:3:10: tiers[0].role: is empty; give it a value or leave it out",
    ],
    ["tiers that are no list", "tiers: ./a\n", "bitstore.yaml:1:8: tiers: is a text; write a list"],
    [
      "a file that is no map",
      "- url: ./a\n",
      "bitstore.yaml:1:1: is a list; write a map of tiers, metadata and server",
    ],
    [
      "a bad value",
      "tiers:\n  - url: ./a\n    role: cahce\n",
      'bitstore.yaml:3:11: tiers[0].role: is "cahce"; it is one of source, cache, did you mean "cache"?',
    ],
    [
      "a flag that is a text",
      "tiers:\n  - url: ./a\n    origin: yes\n",
      'bitstore.yaml:3:13: tiers[0].origin: is "yes"; write true or false',
    ],
    [
      "a size without its unit",
      "tiers:\n  - { url: ./a, role: cache, bytesMax: 5G }\n",
      'bitstore.yaml:2:40: tiers[0].bytesMax: "5G" is no size in bytes; write a number and a unit, such as 256MiB or 50GiB',
    ],
    [
      "a bad url",
      "tiers:\n  - url: gcs://models/\n",
      "bitstore.yaml:2:10: tiers[0].url: unknown scheme gcs:, did you mean gs://?",
    ],
    [
      "an option of other stores",
      "tiers:\n  - url: ./a\n    region: x\n",
      "bitstore.yaml:3:13: tiers[0].region: region is no option of file:; it is one of s3:",
    ],
    [
      "an option that the URL says otherwise",
      "tiers:\n  - url: ./a?role=source\n    role: cache\n",
      "bitstore.yaml:3:11: tiers[0].role: the URL says otherwise; keep one",
    ],
    [
      "a flat layout without an algorithm",
      "tiers:\n  - url: s3://models/\n    layout: flat\n",
      "bitstore.yaml:3:13: tiers[0].layout: layout=flat holds one algorithm; say which, such as algorithm=sha1",
    ],
    [
      "a name that two tiers have",
      "tiers:\n  - { name: a, url: ./a }\n  - { name: a, url: ./b }\n",
      'bitstore.yaml:3:13: tiers[1].name: another tier is named "a" already',
    ],
    [
      "a name that is none",
      "tiers:\n  - { name: 'a b', url: ./a }\n",
      'bitstore.yaml:2:13: tiers[0].name: "a b" is no tier name; it has 1 to 64 of A-Z a-z 0-9 . _ -, first and last a letter or digit',
    ],
    [
      "a second origin",
      "tiers:\n  - { url: ./a, origin: true }\n  - { url: ./b, origin: true }\n",
      "bitstore.yaml:3:25: tiers[1].origin: another tier is the origin already; puts go to one",
    ],
    [
      "a fill of no tier",
      "tiers:\n  - { url: ./c, role: cache }\n  - { url: ./a, fill: [d] }\n",
      'bitstore.yaml:3:24: tiers[1].fill[0]: "d" is no cache tier before this one; they are c',
    ],
    [
      "a fill of a tier behind",
      "tiers:\n  - { url: ./a, fill: [c] }\n  - { url: ./c, role: cache }\n",
      "bitstore.yaml:2:24: tiers[0].fill[0]: tier c stands behind this one; a hit here can't fill it",
    ],
    [
      "a fill of no cache",
      "tiers:\n  - url: ./a\n  - { url: ./b, fill: [a] }\n",
      "bitstore.yaml:3:24: tiers[1].fill[0]: tier a is no cache; give it role: cache, or leave it out here",
    ],
    [
      "a fill of itself, twice",
      "tiers:\n  - { url: ./c, role: cache }\n  - { url: ./a, fill: [c, c] }\n",
      'bitstore.yaml:3:27: tiers[1].fill[1]: names "c" twice; keep one',
    ],
    [
      "a fill that is a number",
      "tiers:\n  - { url: ./a, fill: [1] }\n",
      "bitstore.yaml:2:23: tiers[0].fill: holds other than texts; write the names of tiers, each a text",
    ],
    [
      "a cache that is the origin",
      "tiers:\n  - { url: ./c, role: cache, origin: true }\n",
      "bitstore.yaml:2:38: tiers[0].origin: a cache can't be the origin; choose one",
    ],
    [
      "an origin that is read only",
      "tiers:\n  - { url: ./c, readOnly: true, origin: true }\n",
      "bitstore.yaml:2:27: tiers[0].readOnly: the origin is written; leave readOnly out",
    ],
    [
      "a cache that is read only",
      "tiers:\n  - { url: ./c, readOnly: true, role: cache }\n",
      "bitstore.yaml:2:27: tiers[0].readOnly: a cache is written; leave role out to read the tier only",
    ],
    [
      "an API as a cache",
      "tiers:\n  - { url: 'https://h/{hex}', role: cache }\n",
      "bitstore.yaml:2:37: tiers[0].role: an HTTP API is read only unless it says put=true",
    ],
    [
      "healing what is not ours",
      "tiers:\n  - { url: ./a, origin: true }\n  - { url: ./b, heal: true }\n",
      "bitstore.yaml:3:23: tiers[1].heal: heal rewrites objects; the tier must be the origin, a cache or readOnly=false",
    ],
    [
      "a bound of no cache",
      "tiers:\n  - { url: ./a, bytesMax: 1GiB }\n",
      "bitstore.yaml:2:27: tiers[0].bytesMax: bytesMax bounds a cache; say role=cache, or leave it out",
    ],
    [
      "a cache inside of the origin",
      "tiers:\n  - { url: ./a/cache, role: cache }\n  - { url: ./a }\n",
      "bitstore.yaml:3:12: tiers[1].url: is in the same place as tier cache; a cache needs its own",
    ],
    [
      "a cache in the metadata's bucket and prefix",
      "tiers:\n  - { url: s3://models/, role: cache }\nmetadata: s3://models\n",
      "bitstore.yaml:2:12: tiers[0].url: is in the same place as the metadata; a cache needs its own",
    ],
    [
      "metadata on an API",
      "tiers:\n  - url: ./a\nmetadata: https://h/{hex}\n",
      "bitstore.yaml:3:11: metadata: tags need a bucket; an HTTP API can't list or create",
    ],
    [
      "metadata with a role",
      "metadata:\n  url: ./a\n  role: cache\n",
      "bitstore.yaml:3:9: metadata.role: role is an option of tiers, not of the metadata",
    ],
    [
      "metadata that is a number",
      "metadata: 5\n",
      "bitstore.yaml:1:11: metadata: is a number; write a store URL, or a map with url and options",
    ],
    [
      "a bad url of the metadata",
      "tiers: [{ url: ./a }]\nmetadata: 's3:'\n",
      "bitstore.yaml:2:11: metadata: names no bucket; write s3://bucket/prefix/",
    ],
    [
      "a server that is no map",
      "server: 80\n",
      "bitstore.yaml:1:9: server: is a number; write a map",
    ],
    [
      "a header that is a number",
      "tiers:\n  - url: https://h/{hex}\n    headers: { x-a: 1 }\n",
      "bitstore.yaml:3:21: tiers[0].headers.x-a: is a number; write a text in quotes",
    ],
    [
      "a header written twice",
      "tiers:\n  - url: https://h/{hex}\n    headers: { x-a: '1' }\n    header.X-A: '2'\n",
      "bitstore.yaml:3:21: tiers[0].headers.x-a: the header is written twice; keep one",
    ],
    [
      "credentials of another cloud",
      "tiers:\n  - url: s3://models/\n    credentials: [{ keyFile: ./k.json }]\n",
      "bitstore.yaml:3:19: tiers[0].credentials[0]: keyFile opens gs stores, not this one",
    ],
    [
      "credentials of no kind",
      "tiers:\n  - url: s3://models/\n    credentials: [{ user: a }]\n",
      "bitstore.yaml:3:18: tiers[0].credentials: are a list of default, anonymous, {profile}, {accessKeyId, secretAccessKey, sessionToken}, {keyFile}, {connectionString}, {accountName, accountKey} or {sas}",
    ],
    [
      "credentials and anonymous",
      "tiers:\n  - url: s3://models/\n    anonymous: true\n    credentials: default\n",
      "bitstore.yaml:4:18: tiers[0].credentials: anonymous is said as well; keep one",
    ],
    [
      "a variable that is not set",
      "tiers:\n  - url: s3://${BUCKET}/\n",
      "bitstore.yaml:2:10: tiers[0].url: the environment variable BUCKET is not set",
    ],
    [
      "a variable left open",
      "tiers:\n  - url: 's3://${BUCKET/'\n",
      "bitstore.yaml:2:10: tiers[0].url: ${ has no closing }; write $${ for the characters themselves",
    ],
    [
      "a variable with a default",
      "server: { host: '${HOST:-x}' }\n",
      "bitstore.yaml:1:17: server.host: ${…} holds no variable name; write ${NAME}, or $${ for the characters themselves",
    ],
    // Syntax, and what YAML allows that a config must not.
    [
      "a key twice",
      "server: {}\nserver: {}\n",
      "bitstore.yaml:2:1: the key is written twice; keep one",
    ],
    [
      "a tab",
      "tiers:\n\t- url: ./a\n",
      "bitstore.yaml:2:1: a tab indents the line; YAML takes spaces only",
    ],
    [
      "a second document",
      "server: {}\n---\nserver: {}\n",
      "bitstore.yaml:2:1: a second document starts here; a config is one",
    ],
    [
      "a tag",
      "server: !!binary aGk=\n",
      "bitstore.yaml:1:18: server: tags have no meaning here; leave the !tag out",
    ],
    [
      "a tag that is not known",
      "server: !x {}\n",
      "bitstore.yaml:1:9: tags have no meaning here; leave the !tag out",
    ],
    ["a key that is a list", "? [a]\n: 1\n", "bitstore.yaml:1:3: a key must be a text"],
    [
      "a key of prototypes",
      "server:\n  __proto__: { a: 1 }\n",
      "bitstore.yaml:2:3: server.__proto__: this key is not allowed",
    ],
    [
      "an alias of nothing",
      "server: { a: *b }\n",
      'bitstore.yaml:1:14: server.a: no anchor is named "b"',
    ],
    [
      "an alias inside of its anchor",
      "server: &a\n  b: *a\n",
      "bitstore.yaml:2:6: server.b: an alias stands inside of what it names",
    ],
  ])("%s", async (_, text, line) => {
    expect(await yamlMistakes(text)).toEqual([line]);
  });

  it("reports all mistakes at once, in the order of the file", async () => {
    const lines = await yamlMistakes(
      [
        "tiers:",
        "  - { url: ./a, rol: cache, bytesMax: 5G }",
        "  - { url: 's4://b', fill: [], orign: true }",
        "  - url: https://h/{hex}",
        "    headers: { authorization: s3cr3t, x-a: 1 }",
        "    price: '${NOPE}'",
        "  - 5",
        "metdata: x",
        "server: 3",
      ].join("\n"),
    );
    expect(lines.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
      "bitstore.yaml:2:17: tiers[0].rol",
      "bitstore.yaml:2:39: tiers[0].bytesMax",
      "bitstore.yaml:3:12: tiers[1].url",
      "bitstore.yaml:3:32: tiers[1].orign",
      "bitstore.yaml:5:31: tiers[2].headers.authorization",
      "bitstore.yaml:5:44: tiers[2].headers.x-a",
      "bitstore.yaml:6:12: tiers[2].price",
      "bitstore.yaml:7:5: tiers[3]",
      "bitstore.yaml:8:1: metdata",
      "bitstore.yaml:9:9: server",
    ]);
    expect(lines.join()).not.toContain("s3cr3t");
  });

  it("puts one mistake into one line of the error, and bounds how many it lists", async () => {
    const one = await folderWith({ "bitstore.yaml": "tier: x\n" });
    expect((await mistakes(one)).message).toBe(
      'configure: bitstore.yaml:1:1: tier: unknown key, did you mean "tiers"?',
    );
    const keys = Array.from({ length: 30 }, (_, index) => `key${index}: 1`).join("\n");
    const { message, lines } = await mistakes(await folderWith({ "bitstore.yaml": keys }));
    expect(message).toMatch(/^configure: 30 mistakes: bitstore.yaml:1:1: key0: .*; and 10 more$/);
    expect(lines).toHaveLength(30);
  });
});

describe("a hostile file is refused in bounded time and memory", () => {
  it.each<[string, string, string]>([
    [
      "aliases that grow to billions",
      `server:\n  a0: &a0 [x]\n${Array.from({ length: 30 }, (_, at) => `  a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(9)}*a${at}]`).join("\n")}`,
      "there are more than 100 aliases",
    ],
    ["brackets without end", `server: ${"[".repeat(5000)}`, ""],
    ["depth", `server: ${"{a: ".repeat(60)}1${"}".repeat(60)}`, "it is nested too deeply"],
    ["values", `server: [${"1, ".repeat(30_000)}]`, "it has too many values"],
    ["size", `server: {} #${"x".repeat(300 * 1024)}`, "is longer than 262144 bytes"],
    [
      "a value that expands to more than fits",
      `server: { a: "${"${BIG}".repeat(200)}" }`,
      "is too long once expanded",
    ],
  ])("%s", async (_, text, problem) => {
    const lines = await yamlMistakes(text, { BIG: "x".repeat(1000) });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).toContain(problem);
  });

  it("is not read as text where it is none", async () => {
    const cwd = await folderWith({ "bitstore.yaml/x": "" });
    expect((await mistakes(cwd)).lines).toEqual(["bitstore.yaml: can't be read: EISDIR"]);
    const other = await folderWith();
    const { writeFile } = await import("node:fs/promises");
    await writeFile(`${other}/bitstore.yaml`, new Uint8Array([0xff, 0xfe, 0x41]));
    expect((await mistakes(other)).lines).toEqual(["bitstore.yaml: is no UTF-8 text"]);
  });
});
