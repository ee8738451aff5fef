import { formatStoreLocation, openPins, openTags, type OpenTagsOptions } from "@bitstore/config";
import { isStoreError, type TagLog } from "@bitstore/core";
import type { Pins } from "@bitstore/tags";
import type { Invocation } from "../frame/frame.ts";
import { hinted } from "../frame/hinted.ts";
import type { Io } from "../frame/io.ts";
import type { OpenedStore } from "../store/open-store.ts";
import { readVersion } from "../version.ts";

/** Says who writes: `BITSTORE_ACTOR`, else the user's name, else `unknown`. */
export function actorOf(env: Io["env"]): string {
  const said = [env["BITSTORE_ACTOR"], env["USER"], env["LOGNAME"]];
  return said.find((name) => name !== undefined && name !== "") ?? "unknown";
}

/** What the writing commands say of the bucket. */
export interface UnsafeOption {
  readonly unsafeSingleWriter?: boolean | undefined;
}

/** What opening takes of a command. */
type Command = Pick<Invocation, "io" | "output">;

/** Opens the tags of a store. @throws CONFIG_INVALID where it has no metadata. */
export function openTagLog(
  opened: OpenedStore,
  command: Command,
  options: UnsafeOption = {},
): TagLog {
  try {
    return openTags(opened, tagOptions(command, options));
  } catch (error) {
    throw withServerNamed(error, opened);
  }
}

/** Says how another bitstore, which is a tier already, would keep the tags as well. */
function withServerNamed(error: unknown, { config, metadata, server }: OpenedStore): unknown {
  const remote = config.tiers.find(({ store }) => store.location.kind === "bitstore")?.store;
  const isLacking = metadata === undefined && server === undefined;
  if (!isLacking || remote === undefined || !isStoreError(error, "CONFIG_INVALID")) return error;
  const url = formatStoreLocation(remote.location);
  // Their values may be secrets.
  const names = Object.keys(remote.connection.headers ?? {}).map((name) => `${name}: …`);
  const headers = names.length === 0 ? "" : `, headers: { ${names.join(", ")} }`;
  const { code, operation, source, detail: message } = error;
  return hinted({
    code,
    operation,
    source,
    message,
    cause: error,
    hint: `to keep them there, write in the config metadata: { url: "${url}"${headers} }`,
  });
}

/** Opens the pins of a store. @throws CONFIG_INVALID where it has no metadata. */
export function openPinLog(
  opened: OpenedStore,
  command: Command,
  options: UnsafeOption = {},
): Pins {
  return openPins(opened, tagOptions(command, options));
}

function tagOptions(
  { io: { env }, output }: Command,
  { unsafeSingleWriter }: UnsafeOption,
): OpenTagsOptions {
  const client = `bitstore/${readVersion()}`;
  return {
    actor: actorOf(env),
    client,
    unsafeSingleWriter: unsafeSingleWriter ?? false,
    onWait: (digest) => output.note(`waiting for the upload of ${digest}; interrupt to stop`),
  };
}
