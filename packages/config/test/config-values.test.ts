import { describe, expect, it } from "vitest";
import { loadConfig } from "../src/load-config.ts";
import type { BitstoreConfig } from "../src/store-config.ts";
import { folderWith, mistakes } from "./folder.ts";

const namesOf = (config: BitstoreConfig): readonly string[] => config.tiers.map(({ name }) => name);

describe("names", () => {
  it("are derived from the place, with a number where one is taken, also by a name that is said", async () => {
    const cwd = await folderWith();
    const urls = [
      "s3://models/a/",
      "s3://models/b/?role=source",
      "gs://models/",
      "az://models/",
      "./x y!/",
      "/",
      "memory:?name=s3-models-2",
      "https://h:81/{hex}",
      "bitstore+http://127.0.0.1:7070",
    ];
    const config = await loadConfig({
      cwd,
      env: {},
      tiers: urls.map((url) => ({ kind: "tier", url })),
    });
    expect(namesOf(config)).toEqual([
      "s3-models",
      "s3-models-3",
      "gs-models",
      "az-models",
      "x-y",
      "tier",
      "s3-models-2",
      "h-81",
      "127.0.0.1-7070",
    ]);
  });
});

describe("who is written", () => {
  // Each row lists tiers, and the origin and the tiers that may be written that follow from them.
  it.each<[string, readonly string[], string | undefined, readonly string[]]>([
    ["a sole tier", ["./a"], "a", ["a"]],
    ["a sole tier that is read only", ["./a?readOnly"], undefined, []],
    ["a sole API", ["https://h/{hex}?name=a"], undefined, []],
    ["a sole API that takes puts", ["https://h/{hex}?name=a&put"], "a", ["a"]],
    [
      "the only one beside a cache and an API",
      ["./c?role=cache", "./a", "https://h/{hex}"],
      "a",
      ["c", "a"],
    ],
    ["several that could be", ["./a", "./b"], undefined, []],
    ["one of them chosen", ["./a", "./b?origin"], "b", ["b"]],
    ["one of them writable", ["./a", "./b?readOnly=false"], "b", ["b"]],
    ["two of them writable", ["./a?readOnly=false", "./b?readOnly=false"], undefined, ["a", "b"]],
    ["the origin and another", ["./a?origin", "./b?readOnly=false", "./c"], "a", ["a", "b"]],
    ["the others read only", ["./a", "./b?readOnly", "./c?origin=false"], "a", ["a"]],
    ["only caches", ["./a?role=cache", "memory:?role=cache&name=b"], undefined, ["a", "b"]],
  ])("%s", async (_, urls, origin, writable) => {
    const cwd = await folderWith();
    const config = await loadConfig({
      cwd,
      env: {},
      tiers: urls.map((url) => ({ kind: "tier", url })),
    });
    expect(config.tiers.find((tier) => tier.origin)?.name).toBe(origin);
    expect(config.tiers.filter(({ readOnly }) => !readOnly).map(({ name }) => name)).toEqual(
      writable,
    );
  });
});

describe("places", () => {
  it("that only start alike are no overlap", async () => {
    const cwd = await folderWith();
    const tiers = ["./a?role=cache", "./a-b", "s3://models/a/?role=cache", "s3://models/ab/"];
    await loadConfig({ cwd, env: {}, tiers: tiers.map((url) => ({ kind: "tier", url })) });
  });

  it("of stores that are no caches may be the same, with another layout", async () => {
    const cwd = await folderWith();
    const tiers = ["s3://models/", "s3://models/?layout=flat&algorithm=sha1", "./a", "./a/b"];
    await loadConfig({
      cwd,
      env: {},
      tiers: tiers.map((url) => ({ kind: "tier", url })),
      metadata: "./a",
    });
  });
});

describe("expansion", () => {
  it("inserts variables, once, in every text, and leaves escaped and single signs alone", async () => {
    const cwd = await folderWith({
      "b.yaml": `tiers:
  - url: "s3://\${BUCKET}/\${PREFIX}/"
    name: \${NAME}
    concurrencyMax: \${COUNT}
    credentials: { accessKeyId: "\${ID}", secretAccessKey: "\${SECRET}" }
server: { a: "$\${BUCKET} $5 $", b: ["\${ODD}"] }
`,
    });
    const config = await loadConfig({
      cwd,
      file: "b.yaml",
      env: {
        BUCKET: "models",
        PREFIX: "p",
        NAME: "n",
        COUNT: "5",
        ID: "i",
        SECRET: "s",
        ODD: "${BUCKET}",
      },
    });
    expect(config.tiers[0]).toMatchObject({
      name: "n",
      store: {
        location: { bucket: "models", prefix: "p/" },
        connection: { concurrencyMax: 5 },
        credentials: [{ kind: "keys", accessKeyId: "i", secretAccessKey: "s" }],
      },
    });
    expect(config.server).toEqual({ a: "${BUCKET} $5 $", b: ["${BUCKET}"] });
  });

  it("is what a secret in the file must come from, or else a reference", async () => {
    const text = (value: string): string =>
      `tiers:\n  - url: https://h/{hex}\n    header.authorization: ${value}\n`;
    const cwd = await folderWith({
      "literal.yaml": text("Bearer s3cr3t"),
      "expanded.yaml": text('"Bearer ${TOKEN}"'),
      "reference.yaml": text("Bearer file:./token"),
      "keys.yaml":
        "tiers:\n  - url: s3://models/\n    credentials: [{ accessKeyId: a, secretAccessKey: s3cr3t }]\n",
    });
    const load = async (file: string): Promise<unknown> => {
      const config = await loadConfig({ cwd, env: { TOKEN: "t" }, file });
      return config.tiers[0]?.store.connection.headers;
    };
    expect((await mistakes(cwd, { file: "literal.yaml" })).lines).toEqual([
      "literal.yaml:3:27: tiers[0].header.authorization: is a secret; write where it is, env:NAME or file:PATH, as in Bearer env:API_TOKEN",
    ]);
    expect((await mistakes(cwd, { file: "keys.yaml" })).lines).toEqual([
      "keys.yaml:3:19: tiers[0].credentials[0]: secretAccessKey is a secret; write where it is, env:NAME or file:PATH",
    ]);
    expect(await load("expanded.yaml")).toEqual({ authorization: "Bearer t" });
    // A path in the file starts from the file, like all the others.
    expect(await load("reference.yaml")).toEqual({ authorization: `Bearer file:${cwd}/token` });
  });
});
