import { join } from "node:path";

/**
 * The folder of the built page: `index.html` and what it names, all of it static. It asks nothing
 * but the public API of the server that it came from.
 */
export const consoleFolder: string = join(import.meta.dirname, "..", "dist", "page");
