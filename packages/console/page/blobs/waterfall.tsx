import type { JSX } from "preact";
import type { Attempt } from "../api/types.ts";
import { bytesText, millisecondsText } from "../frame/format.ts";

/** What the tiers said, one bar each, from when it was asked to when it had answered. */
export function Waterfall({ attempts }: { readonly attempts: readonly Attempt[] }): JSX.Element {
  const totalMs = Math.max(
    attempts.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
    0.001,
  );
  const startsMs = attempts.map((_, at) =>
    attempts.slice(0, at).reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
  );
  return (
    <div class="scroll">
      <table class="waterfall">
        <thead>
          <tr>
            <th scope="col">Tier</th>
            <th scope="col">Said</th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt, at) => (
            <tr key={`${at}-${attempt.tier}`}>
              <th scope="row">{attempt.tier}</th>
              <td>
                <span class={`outcome ${attempt.outcome}`}>{attempt.outcome}</span>
                <Details attempt={attempt} />
              </td>
              <td class="number">{millisecondsText(attempt.elapsedMs)}</td>
              <td class="bars">
                <svg width="100%" height="14" role="presentation" preserveAspectRatio="none">
                  <rect
                    class={`bar ${attempt.outcome}`}
                    x={`${((startsMs[at] ?? 0) / totalMs) * 99}%`}
                    width={`${Math.max((attempt.elapsedMs / totalMs) * 99, 0.6)}%`}
                    height="14"
                    rx="2"
                  />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Details({ attempt }: { readonly attempt: Attempt }): JSX.Element | null {
  const { bytes, note, error } = attempt;
  const said = [
    bytes > 0 ? bytesText(bytes) : undefined,
    note,
    error === undefined ? undefined : `${error.code}: ${error.detail ?? error.message ?? ""}`,
  ].filter((part) => part !== undefined);
  return said.length === 0 ? null : <span class="details">{said.join(", ")}</span>;
}
