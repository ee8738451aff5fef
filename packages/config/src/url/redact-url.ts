import { escapeControls } from "../show-text.ts";
import { hasPlaceholder } from "./http-template.ts";
import { isOptionName } from "./option-rules.ts";
import { namesSecret, refersToSecret } from "./secret-text.ts";

const urlShownCharsMax = 256;
const hidden = "***";
/** Somebody pastes a connection string where a URL belongs sooner or later. */
const connectionStringSecret = /\b(AccountKey|SharedAccessSignature)=[^;]*/gi;

/**
 * Removes from a URL, or from text that was meant to be one, what may be secret: user info, values
 * of headers, signatures and tokens. Control characters are escaped and long text is cut, so that
 * the result may be printed and logged. It never throws, whatever the text is.
 */
export function redactUrl(text: string): string {
  const shown = redactQuery(redactUserInfo(text)).replace(connectionStringSecret, `$1=${hidden}`);
  const cut = shown.length > urlShownCharsMax ? `${shown.slice(0, urlShownCharsMax)}…` : shown;
  return escapeControls(cut);
}

/**
 * Finds what may be user info: all between the scheme and an `@`. A secret key may hold unescaped
 * slashes and question marks, and may start like a port, so a colon before the first slash makes
 * what follows suspect: up to the last `@`, or, where it is a port, the last one before the query.
 */
export function findUserInfo(
  text: string,
): { readonly start: number; readonly end: number } | undefined {
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?[/\\]{2}/.exec(text);
  if (match === null) return undefined;
  const start = match[0].length;
  const authority = /^[^/?#\\]*/.exec(text.slice(start))?.[0] ?? "";
  const host = authority.replace(/^\[[^\]]*\]/, "");
  const likePort = /^[^:]*:\d{1,5}$/.test(host);
  const hasPort = likePort && /https?$/i.test(match[1] ?? "");
  const suspect = host.includes(":") && !hasPort;
  const searched = suspect
    ? text
    : hasPort
      ? (text.split("?")[0] ?? "")
      : text.slice(0, start + authority.length);
  const end = searched.lastIndexOf("@");
  if (end >= start) return { start, end };
  return suspect && !likePort ? { start, end: start + authority.length } : undefined;
}

function redactUserInfo(text: string): string {
  const found = findUserInfo(text);
  return found === undefined ? text : text.slice(0, found.start) + hidden + text.slice(found.end);
}

function redactQuery(text: string): string {
  const at = text.indexOf("?");
  if (at < 0) return text;
  const pairs = text.slice(at + 1).split(/([&;?#])/);
  const redacted = pairs.map((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 0) return pair;
    const name = pair.slice(0, equals);
    const value = pair.slice(equals + 1);
    return isPublic(decode(name), decode(value)) ? pair : `${name}=${hidden}`;
  });
  return `${text.slice(0, at)}?${redacted.join("")}`;
}

/** Shows only what is known to be harmless: an unknown parameter may be any kind of signature. */
function isPublic(name: string, value: string): boolean {
  if (isOptionName(name)) return !(value.includes("@") && value.includes("//"));
  if (/^header\./i.test(name)) return refersToSecret(value);
  const isOfApi = name.startsWith("query.") || hasPlaceholder(value);
  return isOfApi && !namesSecret(name.replace(/^query\./, ""));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
