import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { type S3Service, uniqueName } from "../../../test/services/services.ts";
import type { S3BucketOptions } from "../src/index.ts";

/** The SDK's own client, for what a test does behind the driver's back. */
export function plainClient(service: S3Service): S3Client {
  return new S3Client({
    endpoint: service.endpoint,
    region: service.region,
    forcePathStyle: true,
    credentials: service,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

/** Makes a bucket of a name that no other test uses; resolves to the name. */
export async function makeBucket(service: S3Service): Promise<string> {
  const client = plainClient(service);
  const bucket = uniqueName("s3");
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

/** The options that open a bucket of the service. */
export function optionsOf(service: S3Service, bucket: string): S3BucketOptions {
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
  return {
    bucket,
    endpoint,
    region,
    credentials: [{ accessKeyId, secretAccessKey }],
    partBytes: 5 * 1024 * 1024,
  };
}
