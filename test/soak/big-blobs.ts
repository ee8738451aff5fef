import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient } from "@azure/storage-blob";
import { runBitstore } from "../acceptance/run-bitstore.ts";
import { type TestServices, uniqueName } from "../services/services.ts";
import { startGcsStandIn } from "./gcs-stand-in.ts";
import { hold, mebibytes, type Soak } from "./soak.ts";

const MiB = 2 ** 20;
const smallBytes = 64 * MiB;
/** Four gibibytes, unless told otherwise for a quick look. */
const bigBytes = Number(process.env["BITSTORE_SOAK_BIG_MIB"] ?? 4096) * MiB;
const marginBytes = 64 * MiB;

interface Cloud {
  readonly name: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Puts and gets a blob of 64 MiB and one of 4 GiB on each cloud: resident memory of each process. */
export const bigBlobs: Soak = async (services, folder, print) => {
  const only = process.env["BITSTORE_SOAK_CLOUDS"]?.split(",");
  await using standIn = await startGcsStandIn(folder);
  const clouds = (await makeBuckets(services, standIn.endpoint)).filter(
    ({ name }) => only?.includes(name) ?? true,
  );
  for (const cloud of clouds) {
    const resident = new Map<string, number>();
    for (const size of [smallBytes, bigBytes]) {
      const file = join(folder, "blob");
      const digest = await generate(file, size, `${cloud.name} ${size}`);
      const env = cloud.env;
      const config = join(folder, "bitstore.json");
      const tier = { name: cloud.name, url: cloud.url, origin: true };
      await writeFile(config, JSON.stringify({ tiers: [tier] }));
      const options = { cwd: folder, env: { ...env, BITSTORE_CONFIG: config } };
      const put = await runBitstore(["put", file], options);
      hold(put.status === 0, `put on ${cloud.name} ends well: ${put.stderr}`);
      hold(put.stdout.startsWith(digest), `put prints ${digest}: ${put.stdout}`);
      await rm(file);
      const back = join(folder, "back");
      const get = await runBitstore(["get", digest, "-o", back], options);
      hold(get.status === 0, `get on ${cloud.name} ends well: ${get.stderr}`);
      hold((await hashFile(back)) === digest, "the bytes come back as they were");
      await rm(back);
      resident.set(`put ${size}`, put.residentBytesMax);
      resident.set(`get ${size}`, get.residentBytesMax);
    }
    for (const verb of ["put", "get"]) {
      const small = resident.get(`${verb} ${smallBytes}`) ?? 0;
      const big = resident.get(`${verb} ${bigBytes}`) ?? 0;
      print(
        `${cloud.name} ${verb}: resident at most ${mebibytes(small)} for ${mebibytes(smallBytes)}, ` +
          `${mebibytes(big)} for ${mebibytes(bigBytes)} (${mebibytes(big - small)} more)`,
      );
      hold(
        big - small <= marginBytes,
        `${verb} of a big blob takes no more memory on ${cloud.name}`,
      );
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

/** Writes a file of numbered blocks, no two alike, and resolves to its digest. */
async function generate(path: string, size: number, seed: string): Promise<string> {
  const file = await open(path, "w");
  const hash = createHash("sha256");
  const block = Buffer.alloc(MiB);
  createHash("sha512").update(seed).digest().copy(block);
  for (let at = 64; at < MiB; at *= 2) block.copy(block, at, 0, at);
  for (let at = 0; at < size; at += MiB) {
    block.writeBigUInt64LE(BigInt(at));
    hash.update(block);
    await file.write(block, 0, Math.min(MiB, size - at));
  }
  await file.close();
  return `sha256:${hash.digest("hex")}`;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: MiB })) {
    hash.update(chunk as Buffer);
  }
  return `sha256:${hash.digest("hex")}`;
}
