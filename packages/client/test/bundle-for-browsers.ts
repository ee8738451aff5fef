import { join } from "node:path";
import { build } from "vite";

const root = join(import.meta.dirname, "..");

/** An application of one line, which takes the package by its name. */
const entry = "virtual:application";

/** Bundles the client for browsers as an application would, from the sources. */
export async function bundleForBrowsers(): Promise<{
  readonly code: string;
  /** The modules that were asked for by name. */
  readonly asked: readonly string[];
}> {
  const asked: string[] = [];
  const built = await build({
    root,
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["browser", "@bitstore/source", "import", "default"] },
    plugins: [
      {
        name: "notes-modules",
        enforce: "pre",
        resolveId(id) {
          asked.push(id);
          return id.endsWith(entry) ? entry : undefined;
        },
        load: (id) => (id === entry ? 'export * from "@bitstore/client";' : undefined),
      },
    ],
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ["es"], fileName: "bundle" },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  const chunks = output !== undefined && "output" in output ? output.output : [];
  return { asked, code: chunks.map((chunk) => ("code" in chunk ? chunk.code : "")).join("\n") };
}
