import { escapeControls } from "../frame/escape-controls.ts";
import type { Invocation } from "../frame/frame.ts";
import { formatBytes, formatMs } from "../frame/units.ts";
import { showStatusLine } from "./status-line.ts";

/** How far the transfer of one blob is. */
export interface ByteProgress extends Disposable {
  /** Bytes so far. */
  readonly bytes: number;
  add(bytes: number): void;
  stop(): void;
}

const barCells = 24;

/** Shows the transfer of one blob on a terminal: a bar where its size is known, bytes and rate. */
export function progressBytes(
  invocation: Pick<Invocation, "output" | "io">,
  title: string,
  total: number | undefined,
): ByteProgress {
  let bytes = 0;
  const line = showStatusLine(invocation, (elapsedMs) => {
    const rate = (bytes / elapsedMs) * 1000;
    const parts = [escapeControls(title)];
    if (total !== undefined) parts.push(bar(bytes, total));
    parts.push(
      total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`,
    );
    parts.push(`${formatBytes(Math.round(rate))}/s`);
    if (total !== undefined && rate > 0) {
      parts.push(`${formatMs(((total - bytes) / rate) * 1000)} left`);
    }
    return parts.join("  ");
  });
  return {
    get bytes() {
      return bytes;
    },
    add(more) {
      bytes += more;
    },
    stop: () => line.stop(),
    [Symbol.dispose]: () => line.stop(),
  };
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * barCells);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${"█".repeat(full)}${"░".repeat(barCells - full)} ${percent}%`;
}
