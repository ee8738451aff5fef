import { s3FromEnvironment } from "./s3-from-environment.ts";
import type { Recipe } from "./recipe.ts";
import type { S3Service } from "./services.ts";

const accessKeyId = "bitstore-test";
const secretAccessKey = "bitstore-test-secret";
const region = "us-east-1";

/** MinIO: the S3 that most self-hosted users have. */
export const minio: Recipe<S3Service> = {
  service: "s3",
  title: "MinIO",
  binary: "minio",
  install: {
    kind: "go",
    module: "github.com/minio/minio",
    // The project tags releases in a form that Go modules do not know, so this is a commit.
    version: "v0.0.0-20260212201848-7aac2a2c5b7c",
    duration: "about 3 minutes",
  },
  compose: { name: "s3", portVariable: "BITSTORE_COMPOSE_S3_PORT" },
  fromEnvironment: (environment) => s3FromEnvironment(environment, "BITSTORE_TEST_S3"),
  endpointAt: (port) => ({
    endpoint: `http://127.0.0.1:${port}`,
    region,
    accessKeyId,
    secretAccessKey,
  }),
  // "live" answers earlier, while requests are still refused as "server not initialized".
  probeUrl: ({ endpoint }) => `${endpoint}/minio/health/cluster`,
  isReady: (status) => status === 200,
  launch: ({ port, directory }) => ({
    // The console would take a second port and is of no use here.
    arguments: ["server", "--quiet", "--address", `127.0.0.1:${port}`, directory],
    environment: {
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_REGION: region,
      MINIO_BROWSER: "off",
      // No look for a newer release at start, and no read of a configuration in the home folder.
      MINIO_UPDATE: "off",
      HOME: directory,
    },
  }),
};
