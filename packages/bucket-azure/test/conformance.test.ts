import { type BucketHarness, describeBucket } from "@bitstore/conformance";
import { describe } from "vitest";
import { azureBucket } from "../src/index.ts";
import { azure, newContainer } from "./azure-container.ts";

const partBytes = 256 * 1024;
const listPageSize = 100;

/** Every handle of the suite is a bucket of its own, with its own connections. */
function harness(connectionString: string): BucketHarness {
  let first: string | undefined;
  const open = (container: string) =>
    azureBucket({ container, connectionString, partBytes, listPageSize });
  return {
    partBytes,
    listPageSize,
    open: async () => {
      const { containerName } = await newContainer();
      first ??= containerName;
      return open(containerName);
    },
    reopen: async () => open(first ?? ""),
    openMissing: async () => open("no-such-container"),
    dispose: async () => {},
    keysRefused: ["back\\slash", "trailing.dot.", "..."],
  };
}

describe.skipIf(azure === undefined)("on Azurite", () => {
  describeBucket("azure", harness(azure?.connectionString ?? ""));
});
