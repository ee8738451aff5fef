import {
  AnonymousCredential,
  ContainerClient,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { configError } from "./config-error.ts";
import type { AzureBucketOptions, AzureCredential, Environment } from "./options.ts";

/** Where a bucket is, and by whose leave. */
export interface Account {
  /** URL of the blob service, without a slash at its end, user info, and query. */
  readonly endpoint: URL;
  /** Name of the account, where the endpoint or the options tell. */
  readonly account: string | undefined;
  readonly credentials: readonly AzureCredential[];
}

/** What a connection string holds. */
export interface ConnectionParts {
  readonly endpoint: URL;
  readonly account: string | undefined;
  readonly sharedKey: StorageSharedKeyCredential | undefined;
  /** Without the question mark. */
  readonly sas: string | undefined;
}

/**
 * Finds endpoint, account and credentials in the options and then in the environment. Credentials
 * of the environment that are another account's are left alone, so that no SAS is sent to where
 * it does not belong. A mistake is CONFIG_INVALID.
 */
export function resolveAccount(options: AzureBucketOptions, environment: Environment): Account {
  const asked = askedCredentials(options);
  const stated = statedEndpoint(options);
  const named = options.account ?? (stated === undefined ? undefined : accountOf(stated));
  const own = asked.find((credential) => credential.kind === "connectionString");
  const ownParts = own === undefined ? undefined : parseConnectionString(own.connectionString);
  const isOpen = named === undefined && ownParts === undefined;
  const needsEnvironment = isOpen || asked.some(({ kind }) => kind === "default");
  const given = needsEnvironment ? environment["AZURE_STORAGE_CONNECTION_STRING"] : undefined;
  const parts = given ? parseConnectionString(given) : undefined;
  const account = named ?? ownParts?.account ?? parts?.account ?? accountIn(environment);
  if (options.connectionString !== undefined && ownParts?.account !== account) {
    throw configError("connectionString is of another account than account or endpoint");
  }
  const fitting = [ownParts, parts].find((each) => each?.account === account);
  const ambient = parts?.account === account ? given : undefined;
  const standIn = ambientCredential(environment, account, ambient);
  return {
    endpoint: stated ?? fitting?.endpoint ?? accountEndpoint(account),
    account,
    credentials: asked.map((each) => (each.kind === "default" ? standIn : each)),
  };
}

function askedCredentials(options: AzureBucketOptions): readonly AzureCredential[] {
  const { anonymous = false, credentials, connectionString } = options;
  if (credentials?.length === 0) throw configError("credentials is empty: leave it out");
  const several = [anonymous || undefined, credentials, connectionString];
  if (several.filter((each) => each !== undefined).length > 1) {
    throw configError("anonymous, credentials and connectionString exclude each other");
  }
  if (anonymous) return [{ kind: "anonymous" }];
  if (connectionString !== undefined) return [{ kind: "connectionString", connectionString }];
  return credentials ?? [{ kind: "default" }];
}

/** Says what the environment has for an account. */
function ambientCredential(
  environment: Environment,
  account: string | undefined,
  connectionString: string | undefined,
): AzureCredential {
  if (connectionString) return { kind: "connectionString", connectionString };
  if ((accountIn(environment) ?? account) === account) {
    const key = environment["AZURE_STORAGE_KEY"];
    if (key) return { kind: "sharedKey", key };
    const token = environment["AZURE_STORAGE_SAS_TOKEN"];
    if (token) return { kind: "sas", token };
  }
  return { kind: "identity" };
}

function accountIn(environment: Environment): string | undefined {
  return environment["AZURE_STORAGE_ACCOUNT"] || undefined;
}

/**
 * Reads a connection string, with a key or a SAS, or of the development storage. The SDK parses
 * it; its own complaint names the part that is wrong and quotes nothing.
 */
export function parseConnectionString(connectionString: string): ConnectionParts {
  let client: ContainerClient;
  try {
    client = new ContainerClient(connectionString, "container");
  } catch (error) {
    const why = error instanceof Error && error.message.startsWith("Invalid ") ? error.message : "";
    throw configError(`the connection string can't be read${why === "" ? "" : `: ${why}`}`);
  }
  const url = new URL(client.url);
  const sas = url.search === "" ? undefined : url.search.slice(1);
  url.search = "";
  url.pathname = url.pathname.replace(/\/container$/, "");
  const { credential } = client;
  const sharedKey = credential instanceof StorageSharedKeyCredential ? credential : undefined;
  if (sharedKey === undefined && !(credential instanceof AnonymousCredential)) {
    throw configError("the connection string has neither a key nor a SAS");
  }
  return { endpoint: url, account: sharedKey?.accountName ?? accountOf(url), sharedKey, sas };
}

function statedEndpoint({ endpoint }: AzureBucketOptions): URL | undefined {
  if (endpoint === undefined) return undefined;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw configError("endpoint is no http or https URL");
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw configError("endpoint has a query or user info: give a SAS as a credential instead");
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

function accountEndpoint(account: string | undefined): URL {
  if (account === undefined || account === "") {
    throw configError(
      "no account: give account, endpoint or connectionString, or set AZURE_STORAGE_ACCOUNT",
    );
  }
  if (!/^[a-z0-9]{3,24}(?:-[a-z0-9-]+)?$/.test(account)) {
    throw configError(`${JSON.stringify(account)} is no name of a storage account`);
  }
  return new URL(`https://${account}.blob.core.windows.net`);
}

/** Reads the account from an endpoint: its first path segment where there is one, else its host. */
function accountOf(endpoint: URL): string | undefined {
  const segment = endpoint.pathname.split("/")[1];
  if (segment) return segment;
  const [label, ...rest] = endpoint.hostname.split(".");
  return rest.length > 1 && !/^\d+$/.test(label ?? "") ? label : undefined;
}
