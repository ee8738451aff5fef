import { badUsage } from "../frame/hinted.ts";

/** Makes a check that refuses bytes which a terminal would act on; it lets all pass if not `armed`. */
export function terminalGuard(armed: boolean): (chunk: Uint8Array) => void {
  if (!armed) return () => undefined;
  return (chunk) => {
    if (!chunk.some(isControl)) return;
    throw badUsage(
      "the blob holds control characters, which could take over the terminal",
      "write it into a file with -o FILE, through a pager, or to the terminal all the same with -o -",
    );
  };
}

/** Control characters of ASCII, but for tabulator, line feed, form feed and carriage return. */
function isControl(byte: number): boolean {
  return (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13) || byte === 127;
}
