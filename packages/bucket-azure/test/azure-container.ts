import { type ContainerClient, BlobServiceClient } from "@azure/storage-blob";
import { inject } from "vitest";
import { type AzureService, uniqueName } from "../../../test/services/services.ts";

/** The emulator, or undefined where the run has none. */
export const azure: AzureService | undefined = inject("services").azure;

/** Makes a container by the SDK itself, behind the driver's back. */
export async function newContainer(): Promise<ContainerClient> {
  if (azure === undefined) throw new Error("the run has no Azure service");
  const service = BlobServiceClient.fromConnectionString(azure.connectionString, {
    retryOptions: { maxTries: 1 },
  });
  const container = service.getContainerClient(uniqueName("azure"));
  await container.create();
  return container;
}
