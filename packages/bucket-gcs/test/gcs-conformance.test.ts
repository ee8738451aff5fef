import { gcsBucket } from "@bitstore/bucket-gcs";
import { type BucketHarness, describeBucket } from "@bitstore/conformance";
import { describe, inject } from "vitest";
import { uniqueName } from "../../../test/services/services.ts";
import { createBucket } from "./create-bucket.ts";

const { gcs } = inject("services");
const partBytes = 256 * 1024;
const listPageSize = 7;

function harness(
  endpoint: string,
  options: { readonly throughEnvironment: boolean },
): BucketHarness {
  const first = uniqueName("gcs");
  const open = (bucket: string) =>
    gcsBucket({
      bucket,
      partBytes,
      listPageSize,
      ...(options.throughEnvironment
        ? { environment: { STORAGE_EMULATOR_HOST: endpoint } }
        : { endpoint, environment: {} }),
    });
  let opened = 0;
  return {
    partBytes,
    listPageSize,
    async open() {
      opened += 1;
      const bucket = opened === 1 ? first : uniqueName("gcs");
      await createBucket(endpoint, bucket);
      return open(bucket);
    },
    reopen: async () => open(first),
    openMissing: async () => open(uniqueName("gcs-missing")),
    dispose: async () => undefined,
  };
}

// The suite every bucket passes, with the endpoint as an option and as the emulator's variable.
describe.skipIf(gcs === undefined)("gcsBucket on fake-gcs-server", () => {
  const endpoint = gcs?.endpoint ?? "";
  describeBucket("endpoint as an option", harness(endpoint, { throughEnvironment: false }));
  describeBucket("STORAGE_EMULATOR_HOST", harness(endpoint, { throughEnvironment: true }));
});
