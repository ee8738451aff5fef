import type { Recipe } from "./recipe.ts";
import type { AzureService } from "./services.ts";

/** The account every Azure emulator has; it is published, and grants nothing elsewhere. */
const accountName = "devstoreaccount1";
const accountKey =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Azurite, its blob service only. */
export const azurite: Recipe<AzureService> = {
  service: "azure",
  title: "Azurite",
  binary: "azurite-blob",
  install: {
    kind: "npm",
    lockedFolder: new URL("./azurite/", import.meta.url),
    script: "azurite/dist/src/blob/main.js",
    duration: "about half a minute",
  },
  compose: { name: "azure", portVariable: "BITSTORE_COMPOSE_AZURE_PORT" },
  fromEnvironment: (environment) => {
    const connectionString = environment["BITSTORE_TEST_AZURE_CONNECTION_STRING"];
    return connectionString ? parseAzureConnectionString(connectionString) : undefined;
  },
  endpointAt: (port) => {
    const endpoint = `http://127.0.0.1:${port}/${accountName}`;
    const connectionString = [
      "DefaultEndpointsProtocol=http",
      `AccountName=${accountName}`,
      `AccountKey=${accountKey}`,
      `BlobEndpoint=${endpoint}`,
    ].join(";");
    return { connectionString, endpoint, accountName, accountKey };
  },
  probeUrl: ({ endpoint }) => `${endpoint}?comp=list`,
  // It refuses a request without a signature, which is an answer.
  isReady: (status) => status < 500,
  launch: ({ port, directory }) => ({
    arguments: [
      ["--blobHost", "127.0.0.1", "--blobPort", String(port), "--location", directory],
      // Azurite refuses API versions newer than itself, and the SDK is newer.
      ["--silent", "--skipApiVersionCheck", "--disableTelemetry"],
    ].flat(),
  }),
};

/** Returns the parts of a shared-key connection string, or what it lacks. */
export function parseAzureConnectionString(
  connectionString: string,
): AzureService | { readonly unavailable: string } {
  const parts = new Map<string, string>();
  for (const part of connectionString.split(";")) {
    // A key ends in "=", so only the first one separates.
    const separator = part.indexOf("=");
    if (separator > 0) parts.set(part.slice(0, separator).trim(), part.slice(separator + 1).trim());
  }
  const name = parts.get("AccountName");
  const key = parts.get("AccountKey");
  if (name === undefined || key === undefined) {
    return { unavailable: "the connection string has no AccountName or no AccountKey" };
  }
  const protocol = parts.get("DefaultEndpointsProtocol") ?? "https";
  const suffix = parts.get("EndpointSuffix") ?? "core.windows.net";
  const endpoint = parts.get("BlobEndpoint") ?? `${protocol}://${name}.blob.${suffix}`;
  return {
    connectionString,
    endpoint: endpoint.replace(/\/+$/, ""),
    accountName: name,
    accountKey: key,
  };
}
