import { isStoreError } from "@bitstore/core";
import { azureBucket } from "../src/index.ts";

// Runs in a process of its own, because Node reads NODE_EXTRA_CA_CERTS at its start only. It puts
// and reads one object by the environment that it is given, and prints what came of it.

const [endpoint, customerProvidedKey, how] = process.argv.slice(2);
let tokens = 0;
/** Its tokens are as good as expired when they are made. */
const credential = {
  getToken: async (): Promise<{ token: string; expiresOnTimestamp: number }> => {
    tokens += 1;
    return { token: `token-${tokens}`, expiresOnTimestamp: Date.now() };
  },
};
const bucket = azureBucket({
  container: "box",
  credentials: [how === "token" ? { kind: "token", credential } : { kind: "anonymous" }],
  ...(endpoint === undefined || endpoint === "" ? { account: "acme" } : { endpoint }),
  customerProvidedKey: customerProvidedKey === "" ? undefined : customerProvidedKey,
});
try {
  const outcome = await bucket.put("blob", Buffer.from("hello"), { ifAbsent: true });
  const reads: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const content = await bucket.read("blob");
    reads.push(Buffer.from((await content?.bytes()) ?? []).toString());
  }
  process.stdout.write(JSON.stringify({ outcome, reads }));
} catch (error) {
  if (!isStoreError(error)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
}
await bucket[Symbol.asyncDispose]();
