const secretParameter =
  /token|secret|passw|signature|credential|session|auth|(?:^|[_.-])(?:api|access|account)?[_-]?key$|^sig$|^apikey$|^jwt$|^code$/i;

/**
 * Shows a URL, or a template of one, without its secrets: user info goes, and so do the values of
 * query parameters whose names say that they are secret. A value that is a placeholder stays.
 */
export function shownUrl(url: string): string {
  const bare = url.replace(/^(https?:\/\/)[^/?#]*@/i, "$1").replace(/#.*$/s, "");
  const question = bare.indexOf("?");
  if (question < 0) return bare;
  const shown = bare
    .slice(question + 1)
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) return pair;
      const name = pair.slice(0, equals);
      const isPlaceholder = /^\{[^{}]*\}$/.test(pair.slice(equals + 1));
      return !isPlaceholder && secretParameter.test(name) ? `${name}=***` : pair;
    });
  return `${bare.slice(0, question)}?${shown.join("&")}`;
}
