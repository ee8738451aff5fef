import type { ServiceName } from "./services.ts";

/** A program that can be found or installed. */
export interface Program {
  /** Its own name, for messages. */
  readonly title: string;
  /** Its file name on PATH and in the cache folder. */
  readonly binary: string;
  readonly install: GoInstall | NpmInstall;
}

/** Everything the finder knows about one service. `Endpoint` is what tests get of it. */
export interface Recipe<Endpoint extends object> extends Program {
  readonly service: ServiceName;
  readonly compose: ComposeService;
  /** Reads the endpoint from the environment: `undefined` where no variable names one. */
  readonly fromEnvironment: (
    environment: Readonly<Record<string, string | undefined>>,
  ) => Endpoint | { readonly unavailable: string } | undefined;
  /** The endpoint of an instance started by us on a port of the loopback. */
  readonly endpointAt: (port: number) => Endpoint;
  /** A URL that answers as soon as the service can be used. */
  readonly probeUrl: (endpoint: Endpoint) => string;
  /** Which HTTP status says that it can be used; some services answer 4xx to a bare GET. */
  readonly isReady: (status: number) => boolean;
  readonly launch: (place: LaunchPlace) => Launch;
}

/** Where an instance is to run. */
export interface LaunchPlace {
  readonly port: number;
  /** An empty folder of its own, removed with it. */
  readonly directory: string;
  /** Whether files in that folder can carry user-defined extended attributes. */
  readonly extendedAttributes: boolean;
}

/** Arguments and variables for the binary. */
export interface Launch {
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** `go install` of a pinned version. */
export interface GoInstall {
  readonly kind: "go";
  readonly module: string;
  readonly version: string;
  /** What Go calls the binary, where it is not what we call it. */
  readonly goName?: string;
  /** For the line that tells people to wait. */
  readonly duration: string;
}

/** `npm ci` of a folder with a lockfile of its own. */
export interface NpmInstall {
  readonly kind: "npm";
  /** Holds `package.json` and `package-lock.json`. */
  readonly lockedFolder: URL;
  /** The script to run with Node, below `node_modules`. */
  readonly script: string;
  readonly duration: string;
}

/** Its service in `docker-compose.yml`, and the variable that sets the port there. */
export interface ComposeService {
  readonly name: string;
  readonly portVariable: string;
}
