import type {
  Body,
  Bucket,
  BucketCapabilities,
  CallOptions,
  ListOptions,
  ObjectInfo,
  PutOptions,
  ReadOptions,
} from "@bitstore/core";
import { isStoreError, serviceClock, throwIfAborted } from "@bitstore/core";
import { resolveAccount } from "./account.ts";
import { objectBytesMax } from "./block-bytes.ts";
import { checkAzureKey, keyBytesMax } from "./check-azure-key.ts";
import { configError } from "./config-error.ts";
import { connectionAgent } from "./connection-agent.ts";
import { listObjectPrefixes, listObjects } from "./list.ts";
import { headOf } from "./head-of.ts";
import { infoOfHead } from "./object-info.ts";
import { openContainer } from "./open-container.ts";
import type { AzureBucketOptions } from "./options.ts";
import { putObject } from "./put.ts";
import { readObject } from "./read.ts";
import { containerService, type Service } from "./service.ts";
import { parseSettings, type Settings } from "./settings.ts";

const capabilities: BucketCapabilities = {
  write: true,
  delete: true,
  list: true,
  rangeRead: true,
  createIfAbsent: true,
  replaceIfMatch: true,
  objectBytesMax,
  keyBytesMax,
};

/**
 * Makes a bucket of a container in Azure Blob Storage. No request is made and no credential is
 * loaded before the first call; a mistake in the options is CONFIG_INVALID at once. Accounts with
 * a hierarchical namespace can be read and written, but a list that they answer out of order is
 * UNSUPPORTED.
 *
 * @example
 * const bucket = azureBucket({ container: "models", account: "acme" });
 * await bucket.put("greeting", new TextEncoder().encode("hello"), { ifAbsent: true });
 */
export function azureBucket(options: AzureBucketOptions): Bucket {
  const { container } = options;
  if (
    !/^(?:\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62})$/.test(container) ||
    container.length > 63
  ) {
    throw configError(`${JSON.stringify(container)} is no name of a container`);
  }
  const environment = options.environment ?? process.env;
  const { endpoint, account, credentials } = resolveAccount(options, environment);
  const settings = parseSettings(options, endpoint.protocol === "https:");
  const url = `${endpoint.href.replace(/\/+$/, "")}/${container}`;
  const name = options.account === undefined && options.endpoint === undefined;
  const agent = connectionAgent(endpoint, settings.connectionsMax, environment);
  const service = containerService(
    name ? `az://${container}` : url,
    credentials,
    serviceClock(settings.clock),
    (credential) => openContainer(credential, { url, account, agent }),
  );
  return {
    name: service.name,
    capabilities,
    service: endpoint.origin + endpoint.pathname,
    serviceTime: service.serviceTime,
    head: (key: string, callOptions: CallOptions = {}) =>
      headObject(service, settings, key, callOptions),
    read: (key: string, readOptions: ReadOptions = {}) =>
      readObject(service, settings, key, readOptions),
    put: (key: string, body: Body, putOptions: PutOptions = {}) =>
      putObject(service, settings, key, body, putOptions),
    delete: (key: string, callOptions: CallOptions = {}) => deleteObject(service, key, callOptions),
    list: (prefix: string, listOptions: ListOptions = {}) =>
      listObjects(service, settings, prefix, listOptions),
    listPrefixes: (prefix: string, listOptions: ListOptions = {}) =>
      listObjectPrefixes(service, settings, prefix, listOptions),
    async [Symbol.asyncDispose]() {
      agent?.destroy();
    },
  };
}

async function headObject(
  service: Service,
  settings: Settings,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectInfo | undefined> {
  checkAzureKey(key, "head", service.name);
  throwIfAborted(signal, "head", key);
  const head = await headOf(service, settings, "head", key, signal);
  return head === undefined ? undefined : infoOfHead(key, head);
}

/** Deletes with the snapshots, without which the service would refuse. */
async function deleteObject(
  service: Service,
  key: string,
  { signal }: CallOptions,
): Promise<boolean> {
  checkAzureKey(key, "delete", service.name);
  throwIfAborted(signal, "delete", key);
  try {
    await service.call({
      operation: "delete",
      subject: key,
      signal,
      request: (container) =>
        container.getBlobClient(key).delete({
          deleteSnapshots: "include",
          ...(signal === undefined ? {} : { abortSignal: signal }),
        }),
    });
    return true;
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return false;
    throw error;
  }
}
