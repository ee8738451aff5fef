import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { s3FromEnvironment } from "./s3-from-environment.ts";
import type { Recipe } from "./recipe.ts";
import type { S3Service } from "./services.ts";

const accessKeyId = "bitstore-test";
const secretAccessKey = "bitstore-test-secret";
const region = "us-east-1";

/**
 * Versity's S3 gateway over a directory. Keys are paths there, so `a` and `a/b` can't both
 * exist, and neither can a key with a segment longer than 255 bytes.
 */
export const versitygw: Recipe<S3Service> = {
  service: "s3-clone",
  title: "versitygw",
  binary: "versitygw",
  install: {
    kind: "go",
    module: "github.com/versity/versitygw/cmd/versitygw",
    version: "v1.8.0",
    duration: "about a minute",
  },
  compose: { name: "s3-clone", portVariable: "BITSTORE_COMPOSE_S3_CLONE_PORT" },
  fromEnvironment: (environment) => s3FromEnvironment(environment, "BITSTORE_TEST_S3_CLONE"),
  endpointAt: (port) => ({
    endpoint: `http://127.0.0.1:${port}`,
    region,
    accessKeyId,
    secretAccessKey,
  }),
  probeUrl: ({ endpoint }) => `${endpoint}/health`,
  isReady: (status) => status === 200,
  launch: ({ port, directory, extendedAttributes }) => {
    const root = join(directory, "buckets");
    mkdirSync(root);
    // Metadata lives in extended attributes where the file system has them, as in production.
    const sidecar = join(directory, "metadata");
    if (!extendedAttributes) mkdirSync(sidecar);
    return {
      arguments: [
        ["--port", `127.0.0.1:${port}`, "--region", region, "--health", "/health"],
        // Without it every request pays for a connection, and a long run for used-up ports.
        ["--keep-alive", "--quiet"],
        ["posix", ...(extendedAttributes ? [] : ["--sidecar", sidecar]), root],
      ].flat(),
      environment: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    };
  },
};
