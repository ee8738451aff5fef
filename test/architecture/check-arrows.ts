/**
 * Holds the arrows of ARCHITECTURE.md against the code: what each package may import, and that its
 * package.json and tsconfig.json say the same. Run by `npm run check`; exits 1 with a line for each
 * arrow that is not allowed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The packages of this project that each may import, straight downwards in the picture. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  conformance: ["core"],
  "bucket-fs": ["core"],
  "bucket-s3": ["core"],
  "bucket-gcs": ["core"],
  "bucket-azure": ["core"],
  "source-http": ["core"],
  "cache-disk": ["core"],
  tags: ["core"],
  "write-back": ["core"],
  gc: ["core", "tags"],
  doctor: ["core", "tags"],
  client: ["core"],
  telemetry: ["core"],
  console: [],
  server: ["core", "tags", "telemetry"],
  config: [
    "core",
    "tags",
    "bucket-fs",
    "bucket-s3",
    "bucket-gcs",
    "bucket-azure",
    "source-http",
    "cache-disk",
    "write-back",
    "client",
  ],
  cli: [
    "core",
    "config",
    "tags",
    "gc",
    "doctor",
    "cache-disk",
    "source-http",
    "server",
    "telemetry",
    "console",
  ],
};

const root = join(import.meta.dirname, "..", "..");
const problems: string[] = [];

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));
}

function imports(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g);
  return [...found].map(([, name]) => name ?? "");
}

function readJson(file: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof parsed !== "object" || parsed === null) throw new Error(`${file} is no object`);
  return { ...parsed };
}

for (const name of readdirSync(join(root, "packages"))) {
  const folder = join(root, "packages", name);
  const may = allowed[name];
  if (may === undefined) {
    problems.push(`packages/${name} is not in the picture: add it to ARCHITECTURE.md and here`);
    continue;
  }
  const used = new Set<string>();
  for (const file of sources(join(folder, "src"))) {
    for (const specifier of imports(file)) {
      const shown = `${file.slice(root.length + 1)} imports ${specifier}`;
      const inner = /^@bitstore\/([^/]+)(\/.*)?$/.exec(specifier);
      if (inner?.[2] !== undefined) problems.push(`${shown}: only a package's front door is open`);
      if (inner?.[1] !== undefined) {
        used.add(inner[1]);
        if (!may.includes(inner[1])) problems.push(`${shown}, which is not below it`);
      }
      const outside = join(file, "..", specifier);
      if (specifier.startsWith(".") && !outside.startsWith(join(folder, "src"))) {
        problems.push(`${shown}, outside of its package`);
      }
    }
  }
  const manifest = readJson(join(folder, "package.json"));
  const { dependencies } = manifest;
  const declared = Object.keys(typeof dependencies === "object" ? { ...dependencies } : {})
    .filter((each) => each.startsWith("@bitstore/"))
    .map((each) => each.slice("@bitstore/".length));
  const references = JSON.stringify(readJson(join(folder, "tsconfig.json"))["references"] ?? []);
  for (const each of used) {
    if (!declared.includes(each)) problems.push(`packages/${name}/package.json lacks ${each}`);
    if (!references.includes(`"../${each}"`)) {
      problems.push(`packages/${name}/tsconfig.json lacks a reference to ${each}`);
    }
  }
  for (const each of declared) {
    if (!used.has(each)) problems.push(`packages/${name}/package.json names ${each} in vain`);
  }
  if (!existsSync(join(folder, "README.md"))) problems.push(`packages/${name} has no README.md`);
  for (const banned of ["utils", "common", "shared", "helpers"]) {
    for (const ending of ["", ".ts"]) {
      if (existsSync(join(folder, "src", banned + ending))) {
        problems.push(`packages/${name}/src/${banned}${ending} is not a name that says anything`);
      }
    }
  }
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  problems.length === 0 ? "the package arrows hold\n" : `${problems.length} arrows do not hold\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
