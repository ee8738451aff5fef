/**
 * Walks a cache's directory again and again until its input ends, and prints the most bytes that
 * were there at one moment. Arguments: directory.
 */
import { bytesAtOnceIn } from "../disk-walk.ts";

const [directory = ""] = process.argv.slice(2);
let most = 0;
let walks = 0;
let ended = false;
process.stdin.on("end", () => (ended = true)).resume();
process.stdout.write("watching\n");
while (!ended) {
  for (let turn = 0; turn < 10; turn += 1) most = Math.max(most, bytesAtOnceIn(directory));
  walks += 10;
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${JSON.stringify({ most, walks })}\n`);
