import { memoryBucket } from "@bitstore/core";
import { describeBucket } from "@bitstore/conformance";

// The bucket in memory is the model of the contract: the suite passes over it without a service.
const opened: ReturnType<typeof memoryBucket>[] = [];

describeBucket("memory", {
  open: () => {
    const bucket = memoryBucket();
    opened.push(bucket);
    return Promise.resolve(bucket);
  },
  reopen: () => Promise.resolve(opened[0] ?? memoryBucket()),
  dispose: () => Promise.resolve(),
  listPageSize: 20,
});
