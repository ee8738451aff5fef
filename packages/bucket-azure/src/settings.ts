import { createHash } from "node:crypto";
import type { CpkInfo } from "@azure/storage-blob";
import { type Clock, systemClock } from "@bitstore/core";
import { blocksMax, objectBytesMax } from "./block-bytes.ts";
import { configError } from "./config-error.ts";
import type { AzureAccessTier, AzureBucketOptions } from "./options.ts";

/** The options that are numbers and settings, checked and with their defaults. */
export interface Settings {
  readonly partBytes: number;
  readonly partsInFlightMax: number;
  readonly partAttemptsMax: number;
  readonly connectionsMax: number;
  readonly listPageSize: number;
  readonly customerProvidedKey: CpkInfo | undefined;
  readonly encryptionScope: string | undefined;
  readonly accessTier: AzureAccessTier | undefined;
  readonly clock: Clock;
  readonly uploadId: () => string;
}

const mebibyte = 2 ** 20;

/** Checks the options that need no environment; a mistake is CONFIG_INVALID that names it. */
export function parseSettings(options: AzureBucketOptions, isHttps: boolean): Settings {
  const { customerProvidedKey: key, encryptionScope } = options;
  if (key !== undefined && encryptionScope !== undefined) {
    throw configError("customerProvidedKey and encryptionScope exclude each other");
  }
  if (key !== undefined && !isHttps) {
    throw configError(
      "customerProvidedKey is sent with every request, so the endpoint must be https",
    );
  }
  return {
    partBytes: whole("partBytes", options.partBytes ?? 8 * mebibyte, 1, objectBytesMax / blocksMax),
    partsInFlightMax: whole("partsInFlightMax", options.partsInFlightMax ?? 4, 1, 256),
    partAttemptsMax: whole("partAttemptsMax", options.partAttemptsMax ?? 3, 1, 10),
    connectionsMax: whole("connectionsMax", options.connectionsMax ?? 64, 1, 65_536),
    listPageSize: whole("listPageSize", options.listPageSize ?? 5000, 1, 5000),
    customerProvidedKey: key === undefined ? undefined : cpkInfo(key),
    encryptionScope,
    accessTier: options.accessTier,
    clock: options.clock ?? systemClock,
    uploadId: options.uploadId ?? (() => crypto.randomUUID()),
  };
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw configError(`${name} must be a whole number from ${least} to ${most}, it is ${value}`);
}

function cpkInfo(encryptionKey: string): CpkInfo {
  const bytes = Buffer.from(encryptionKey, "base64");
  if (bytes.byteLength !== 32) {
    throw configError("customerProvidedKey must be 32 bytes in base64");
  }
  return {
    encryptionKey,
    encryptionKeySha256: createHash("sha256").update(bytes).digest("base64"),
    encryptionAlgorithm: "AES256",
  };
}
