import type { ContainerClient } from "@azure/storage-blob";
import {
  abortedError,
  isStoreError,
  orAborted,
  type ServiceClock,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { AzureCredential } from "./options.ts";
import { dateOfFailure, toStoreError } from "./to-store-error.ts";

/** What every answer of the SDK tells. */
export interface Dated {
  /** By the service's clock, in whole seconds. */
  readonly date?: Date | undefined;
}

/** One request to the service: its client is that of a credential, and it may be made twice. */
export interface Call<T extends Dated> {
  readonly operation: string;
  readonly subject: string;
  readonly signal: AbortSignal | undefined;
  readonly request: (container: ContainerClient) => Promise<T>;
}

/** The container, by whichever credential the service takes. */
export interface Service {
  /** Name of the bucket. */
  readonly name: string;
  /**
   * Makes a request. Rejects with what {@link toStoreError} says, ABORTED where the signal did.
   * UNAUTHENTICATED passes on to the next credential, beginning with the one that served last.
   */
  call<T extends Dated>(call: Call<T>): Promise<T>;
  /** The time by the service's clock, as far as it has told. */
  serviceTime(): Date | undefined;
}

export function containerService(
  name: string,
  credentials: readonly AzureCredential[],
  time: ServiceClock,
  open: (credential: AzureCredential) => Promise<ContainerClient>,
): Service {
  const clients = new Map<number, ContainerClient>();
  let serving = 0;

  async function clientOf(at: number): Promise<ContainerClient> {
    const known = clients.get(at);
    if (known !== undefined) return known;
    const credential = credentials[at];
    if (credential === undefined) throw new RangeError(`there is no credential ${at}`);
    const client = await open(credential);
    clients.set(at, client);
    return client;
  }

  async function attempt<T extends Dated>(wanted: Call<T>, at: number): Promise<T> {
    const { operation, subject, signal } = wanted;
    try {
      const client = clients.get(at) ?? (await orAborted(clientOf(at), signal, operation, subject));
      const answer = await wanted.request(client);
      time.observe(answer.date?.toUTCString());
      return answer;
    } catch (error) {
      time.observe(dateOfFailure(error));
      if (signal?.aborted) throw abortedError(operation, signal, subject);
      throw toStoreError(error, operation, name, subject);
    }
  }

  async function call<T extends Dated>(wanted: Call<T>): Promise<T> {
    const refusals: StoreError[] = [];
    const first = serving;
    for (let tried = 0; tried < credentials.length; tried += 1) {
      const at = (first + tried) % credentials.length;
      throwIfAborted(wanted.signal, wanted.operation, wanted.subject);
      try {
        const answer = await attempt(wanted, at);
        serving = at;
        return answer;
      } catch (error) {
        if (!isStoreError(error, "UNAUTHENTICATED")) {
          serving = at;
          throw error;
        }
        refusals.push(error);
      }
    }
    throw refusedBy(refusals, credentials, name, wanted);
  }

  return { name, call, serviceTime: time.now };
}

/** Makes the error of a request that no credential was good for. */
function refusedBy<T extends Dated>(
  refusals: readonly StoreError[],
  credentials: readonly AzureCredential[],
  source: string,
  { operation, subject }: Call<T>,
): StoreError {
  const [only] = refusals;
  if (refusals.length === 1 && only !== undefined) {
    const { code, detail: message, serviceCode, cause } = only;
    return new StoreError({ code, operation, source, subject, message, serviceCode, cause });
  }
  const kinds = credentials.map(({ kind }) => kind).join(", ");
  const whys = [...new Set(refusals.map(({ detail }) => detail))].join("; ");
  return new StoreError({
    code: "UNAUTHENTICATED",
    operation,
    source,
    subject,
    message: `none of the credentials (${kinds}) is good: ${whys}`,
  });
}
