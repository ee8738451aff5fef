import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { makeAgents } from "./agents.ts";
import { nodeTransport } from "./node-transport.ts";
import type { S3Settings } from "./s3-settings.ts";

type RequestHandler = NonNullable<S3ClientConfig["requestHandler"]>;

/** What carries the requests of one bucket, and how it is closed. */
export interface Carrier {
  readonly requestHandler: RequestHandler;
  readonly destroy: () => void;
}

/** Takes the handler of the options, which is its owner's to close, or makes our own. */
export function carrierOf(settings: S3Settings): Carrier {
  const { requestHandler, connectionsMax, environment, name } = settings;
  if (requestHandler !== undefined) return { requestHandler, destroy: () => undefined };
  const transport = nodeTransport(makeAgents(connectionsMax, environment, name), settings);
  return { requestHandler: transport, destroy: () => transport.destroy() };
}
