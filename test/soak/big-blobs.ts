import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient } from "@azure/storage-blob";
import { bigBlobMemory, type Cloud } from "../acceptance/big-blob-memory.ts";
import { startGcsStandIn } from "../acceptance/gcs-stand-in.ts";
import { type TestServices, uniqueName } from "../services/services.ts";
import { hold, mebibytes, type Soak } from "./soak.ts";

const MiB = 2 ** 20;
const smallBytes = 64 * MiB;
/** Four gibibytes, unless told otherwise for a quick look. */
const bigBytes = Number(process.env["BITSTORE_SOAK_BIG_MIB"] ?? 4096) * MiB;
const marginBytes = 64 * MiB;

/** Puts and gets a blob of 64 MiB and one of 4 GiB on each cloud: resident memory of each process. */
export const bigBlobs: Soak = async (services, folder, print) => {
  const only = process.env["BITSTORE_SOAK_CLOUDS"]?.split(",");
  await using standIn = await startGcsStandIn(folder);
  const clouds = await makeBuckets(services, standIn.endpoint);
  for (const cloud of clouds.filter(({ name }) => only?.includes(name) ?? true)) {
    const small = await bigBlobMemory(cloud, smallBytes, folder);
    const big = await bigBlobMemory(cloud, bigBytes, folder);
    for (const verb of ["put", "get"] as const) {
      const more = big[verb] - small[verb];
      print(
        `${cloud.name} ${verb}: resident at most ${mebibytes(small[verb])} for ` +
          `${mebibytes(smallBytes)}, ${mebibytes(big[verb])} for ${mebibytes(bigBytes)} ` +
          `(${mebibytes(more)} more)`,
      );
      hold(more <= marginBytes, `${verb} of a big blob takes no more memory on ${cloud.name}`);
    }
  }
};

async function makeBuckets(
  { s3, azure }: TestServices,
  gcsEndpoint: string,
): Promise<readonly Cloud[]> {
  const clouds: Cloud[] = [];
  const bucket = uniqueName("big");
  if (s3 !== undefined) {
    const { accessKeyId, secretAccessKey, region, endpoint } = s3;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
    clouds.push({
      name: "s3",
      url: `s3://${bucket}/?endpoint=${endpoint}&region=${region}`,
      env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    });
  }
  if (azure !== undefined) {
    const { connectionString } = azure;
    await BlobServiceClient.fromConnectionString(connectionString).createContainer(bucket);
    const env = { AZURE_STORAGE_CONNECTION_STRING: connectionString };
    clouds.push({ name: "azure", url: `az://${bucket}/`, env });
  }
  const url = `gs://${bucket}/?endpoint=${gcsEndpoint}&anonymous=true`;
  clouds.push({ name: "gcs", url, env: {} });
  return clouds;
}
