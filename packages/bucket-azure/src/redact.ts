const charactersMax = 300;

/**
 * Makes text from outside fit for a message: its first line, bounded, with no control characters
 * and without signatures, keys and tokens.
 */
export function redact(text: string): string {
  const line = text.trim().split(/[\r\n]/, 1)[0] ?? "";
  return (
    line
      .slice(0, 4 * charactersMax)
      .replace(/\b(sig|sv|se|st|sp|sr|skoid|sktid|skt|ske|sks|skv)=[^&\s"'<>]*/gi, "$1=…")
      .replace(/\b(SharedKey|SharedKeyLite|Bearer)\s+\S+/gi, "$1 …")
      .replace(/\b(AccountKey|SharedAccessSignature|Authorization)\s*[=:]\s*[^;\s]+/gi, "$1=…")
      .replace(/\/\/[^/@\s]+@/g, "//…@")
      // oxlint-disable-next-line no-control-regex -- control characters are what it removes
      .replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")
      .slice(0, charactersMax)
  );
}
