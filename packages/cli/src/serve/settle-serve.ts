import { readFile } from "node:fs/promises";
import { type BitstoreConfig, readSecret } from "@bitstore/config";
import { StoreError } from "@bitstore/core";
import { parseServerConfig, type ServerConfig } from "@bitstore/server";
import type { Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { readConfig } from "../store/open-store.ts";

export interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** A certificate and its key, and which files they are from; whether they fit nobody has looked. */
export interface SettledTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly files: { readonly cert: string; readonly key: string };
}

/** What the command line and the config say of a server, with all files read. */
export interface SettledServe {
  readonly config: BitstoreConfig;
  readonly server: ServerConfig;
  /** Where it is meant to listen, which a server that runs may do no more. */
  readonly host: string;
  readonly tls: SettledTls | undefined;
  /** Of `server.auth.secret`; none where none is configured. */
  readonly secrets: readonly Buffer[];
}

/**
 * Reads and checks it all. Who may ask what is decided for `listening`, where a server runs already: what
 * may be on loopback must not come to hold for a network because the file has another host.
 *
 * Rejects with CONFIG_INVALID; nothing was opened then.
 */
export async function settleServe(
  { io, settings }: Pick<Invocation, "io" | "settings">,
  options: ServeOptions,
  listening?: string,
): Promise<SettledServe> {
  const config = await readConfig(settings, io);
  const { host, port, tlsCert: cert, tlsKey: key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw badUsage("a certificate and its key go together", "--tls-cert FILE --tls-key FILE");
  }
  const files = cert === undefined || key === undefined ? undefined : { cert, key };
  const meant = parseServerConfig(config.server, { host, port, tls: files });
  const server =
    listening === undefined
      ? meant
      : parseServerConfig(config.server, { host: listening, port, tls: files });
  const tls = server.tls && {
    cert: await readPem(server.tls.cert, "cert"),
    key: await readPem(server.tls.key, "key"),
    files: server.tls,
  };
  const secrets = await Promise.all(
    server.access.secrets.map(async (text) =>
      Buffer.from(await readSecret(text, "server.auth.secret", io.env)),
    ),
  );
  return { config, server, host: meant.host, tls, secrets };
}

async function readPem(file: string, what: string): Promise<Buffer> {
  return await readFile(file).catch((cause: unknown) => {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "configure",
      subject: `server.tls.${what}`,
      message: `${file} can't be read`,
      cause,
    });
  });
}
