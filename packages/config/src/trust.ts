import { realpath } from "node:fs/promises";
import { sep } from "node:path";
import type { Report } from "./file/problems.ts";
import type { StoreDraft } from "./tiers/draft.ts";
import { secretReference } from "./url/secret-text.ts";

/**
 * Variables that the clouds' own chains, and ours, take credentials from. A file that happens to
 * lie in the working directory may not read them: it could send them anywhere.
 */
const ambientVariables: ReadonlySet<string> = new Set([
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AZURE_STORAGE_CONNECTION_STRING",
  "AZURE_STORAGE_KEY",
  "AZURE_STORAGE_SAS_TOKEN",
  "AZURE_CLIENT_SECRET",
  "AZURE_CLIENT_CERTIFICATE_PASSWORD",
  "AZURE_PASSWORD",
  "GOOGLE_OAUTH_ACCESS_TOKEN",
  "BITSTORE_TOKEN",
]);

const nameTheFile = "name the file with --config or BITSTORE_CONFIG if you trust it";

export function isAmbientVariable(name: string): boolean {
  return ambientVariables.has(name);
}

/** Says why a file that was only found may not use a variable. */
export function ambientMessage(name: string): string {
  return `a config found in the working directory may not read ${name}; ${nameTheFile}`;
}

/**
 * Reports what a config that was found in the working directory, and not named, may not do: send
 * the machine's own credentials to an endpoint of its choice, or read secrets outside of its folder.
 */
export async function checkFoundStore(
  draft: StoreDraft,
  folder: string,
  report: Report,
): Promise<void> {
  if (draft.options.endpoint !== undefined && usesAmbient(draft)) {
    const message = `an endpoint here would be sent the machine's own credentials; say anonymous, list credentials of its own, or ${nameTheFile}`;
    report({ ...draft.place("endpoint"), message });
  }
  if (draft.location.kind === "bitstore" && isSentToken(draft.location.base, draft)) {
    const message = `another bitstore here would be sent BITSTORE_TOKEN; give it an authorization header of its own, or ${nameTheFile}`;
    report({ ...draft.place("url"), message });
  }
  for (const { text, option } of secretTexts(draft)) {
    const [, , kind, target] = secretReference.exec(text) ?? [];
    if (target === undefined) continue;
    if (kind === "env" && isAmbientVariable(target)) {
      report({ ...draft.place(option), message: ambientMessage(target) });
    }
    if (kind === "file" && !(await isInside(target, folder))) {
      const message = `a config found in the working directory may not read files outside of it; ${nameTheFile}`;
      report({ ...draft.place(option), message });
    }
  }
}

/** Whether the token of the environment goes to a server, other than to one on this machine. */
function isSentToken(base: string, { options }: StoreDraft): boolean {
  if (options.headers?.["authorization"] !== undefined) return false;
  const host = URL.parse(base)?.hostname ?? "";
  return !["localhost", "127.0.0.1", "[::1]"].includes(host);
}

/** Whether requests would be signed with what the machine has, not with what the file says. */
function usesAmbient({ options, credentials }: StoreDraft): boolean {
  if (options.anonymous === true && credentials.length === 0) return false;
  if (credentials.length === 0) return true;
  return credentials.some(({ kind }) => kind === "default" || kind === "profile");
}

function* secretTexts(draft: StoreDraft): Generator<{ text: string; option: string }> {
  for (const text of Object.values(draft.options.headers ?? {})) yield { text, option: "headers" };
  for (const credentials of draft.credentials) {
    if (credentials.kind === "keyFile" && draft.options.endpoint !== undefined) {
      yield { text: `file:${credentials.keyFile}`, option: "credentials" };
    }
    for (const text of Object.values(credentials)) yield { text, option: "credentials" };
  }
}

/** Follows links, so that one in the folder does not lead out of it. */
async function isInside(path: string, folder: string): Promise<boolean> {
  try {
    const [target, root] = await Promise.all([realpath(path), realpath(folder)]);
    return target.startsWith(root.endsWith(sep) ? root : root + sep);
  } catch {
    // A file that is not there holds no secret; whoever opens the store says that it is missing.
    return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  }
}
