/** What happened in a run, step by step. */
export interface Trace {
  readonly isOn: boolean;
  add(step: number, timeMs: number, lane: string, label: string): void;
  /** Adds a remark to the step under way. */
  note(lane: string, text: string): void;
  /** One line each: step, virtual time in ms, lane, what it did. */
  lines(): readonly string[];
}

/** Lines that are kept, from the start. */
export const traceLinesMax = 20_000;

/** Opens a trace; one that is off keeps nothing. */
export function openTrace(isOn: boolean): Trace {
  const lines: string[] = [];
  const push = (line: string): void => {
    if (isOn && lines.length < traceLinesMax) lines.push(line);
  };
  return {
    isOn,
    add(step, timeMs, lane, label) {
      if (!isOn) return;
      push(`${String(step).padStart(5)} ${timeMs.toFixed(0).padStart(8)} ms  ${lane}: ${label}`);
    },
    note(lane, text) {
      if (isOn) push(`${" ".repeat(18)}${lane}: ${text}`);
    },
    lines: () => lines,
  };
}
