import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { type IdInput, readIds } from "../../src/fetch/read-ids.ts";

const folder = mkdtempSync(join(tmpdir(), "bitstore-ids-"));

async function read(
  text: string | Uint8Array,
  options: Partial<IdInput> & { readonly name?: string } = {},
): Promise<string[]> {
  const from = options.name === undefined ? "-" : join(folder, options.name);
  if (options.name !== undefined) writeFileSync(from, text);
  const stdin = Readable.from([Buffer.from(text)]);
  const ids: string[] = [];
  for await (const id of readIds({ ...options, from, stdin })) ids.push(id);
  return ids;
}

describe("IDs", () => {
  test("one a line, with any line ends, blank lines and no last line end", async () => {
    expect(await read("a\r\nb  a name\n\n# a note\n  c  \nd")).toEqual(["a", "b", "c", "d"]);
    expect(await read("")).toEqual([]);
  });

  test("from a column of CSV, by name, by its usual name, or the only one", async () => {
    const csv = '\ufeffname,sha1,size\n"x, y",aa,1\nz,"bb",2\n';
    expect(await read(csv, { name: "a.csv", column: "sha1" })).toEqual(["aa", "bb"]);
    expect(await read(csv, { name: "b.csv" })).toEqual(["aa", "bb"]);
    expect(await read("what\naa\n", { format: "csv" })).toEqual(["aa"]);
    expect(await read("what,not\naa,cc\n", { column: "not" })).toEqual(["cc"]);
  });

  // A record that lacks the column is an ID of its own, malformed, and is reported as such.
  test("from a short record of CSV", async () => {
    expect(await read("a,digest\n1,aa\n2\n3,cc\n", { name: "c.csv" })).toEqual(["aa", "", "cc"]);
  });

  test("an unknown column is refused, naming those that there are", async () => {
    await expect(read("x,y\n1,2\n", { name: "d.csv" })).rejects.toThrow('the header has "x", "y"');
    await expect(read("x,y\n1,2\n", { format: "csv", column: "z" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("from NDJSON, by property; what is no record is passed on as it is", async () => {
    const lines = '{"digest":"aa"}\n"bb"\n{"other":1}\nnot json\n{"digest":5}\n';
    expect(await read(lines, { name: "e.ndjson" })).toEqual([
      "aa",
      "bb",
      '{"other":1}',
      "not json",
      '{"digest":5}',
    ]);
    expect(await read('{"id":"cc"}\n', { name: "f.jsonl", column: "id" })).toEqual(["cc"]);
    expect(await read('{"__proto__":"x"}\n', { name: "g.jsonl", column: "toString" })).toEqual([
      '{"__proto__":"x"}',
    ]);
  });

  test("a line without an end is refused before it fills the memory", async () => {
    const endless = Readable.from(
      (function* () {
        for (let count = 0; count < 64; count += 1) yield Buffer.alloc(64 * 1024, "a");
      })(),
    );
    const ids = readIds({ from: "-", stdin: endless });
    await expect(ids.next()).rejects.toThrow("longer than");
  });

  test("a file that is not there, or is a folder, is named", async () => {
    const missing = readIds({ from: join(folder, "none"), stdin: Readable.from([]) });
    await expect(missing.next()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const directory = readIds({ from: folder, stdin: Readable.from([]) });
    await expect(directory.next()).rejects.toThrow("is a directory");
  });
});
