import { type Environment, invalid } from "./options.ts";

/** Where the requests go. */
export interface Endpoint {
  readonly protocol: "http:" | "https:";
  readonly hostname: string;
  /** Undefined where it is the protocol's own. */
  readonly port: string | undefined;
  /** `https://host:port`, for comparing and for the credentials' audience. */
  readonly origin: string;
  /** Goes before every path, without a slash at its end. */
  readonly basePath: string;
  /** What may be sent there when nothing was said: the machine's credentials, or none. */
  readonly trust: "google" | "foreign" | "emulator";
}

const googleUniverse = "googleapis.com";

/**
 * Finds the service: the option, else the emulator that `STORAGE_EMULATOR_HOST` names (a URL, or a
 * bare `host:port`, which is plain HTTP), else Google's own of `GOOGLE_CLOUD_UNIVERSE_DOMAIN`. A
 * `/storage/v1` at the end is dropped, since some clients need it there.
 */
export function resolveEndpoint(option: string | undefined, environment: Environment): Endpoint {
  const universe = environment["GOOGLE_CLOUD_UNIVERSE_DOMAIN"] || googleUniverse;
  if (option !== undefined) return parseEndpoint("endpoint", option, universe);
  const emulator = environment["STORAGE_EMULATOR_HOST"];
  if (!emulator) return parseEndpoint("endpoint", `https://storage.${universe}`, universe);
  const url = emulator.includes("://") ? emulator : `http://${emulator}`;
  return { ...parseEndpoint("STORAGE_EMULATOR_HOST", url, universe), trust: "emulator" };
}

function parseEndpoint(what: string, text: string, universe: string): Endpoint {
  const url = URL.parse(text);
  const protocol = url?.protocol;
  if (url === null || (protocol !== "http:" && protocol !== "https:")) {
    throw invalid(what, "is no URL of the form https://host or http://host:port");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw invalid(what, "must be a plain URL, without user, query and fragment");
  }
  const google = protocol === "https:" && url.hostname.endsWith(`.${universe}`);
  return {
    protocol,
    // A URL has an IPv6 address in brackets, a socket wants it without.
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? undefined : url.port,
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, "").replace(/\/storage\/v1$/, ""),
    trust: google ? "google" : "foreign",
  };
}
