import { pendingTierName } from "@bitstore/core";
import type { Report } from "../file/problems.ts";
import type { JournalConfig } from "../store-config.ts";
import type { StoreDraft } from "./draft.ts";
import type { JournalDraft } from "./journal-draft.ts";
import { contain } from "./overlaps.ts";
import type { ResolvedTiers } from "./resolve-tiers.ts";

/** Checks a journal against the tiers that it stands among, and the metadata. */
export function resolveJournal(
  draft: JournalDraft | undefined,
  { tiers }: ResolvedTiers,
  drafts: readonly StoreDraft[],
  metadata: StoreDraft | undefined,
  report: Report,
): JournalConfig | undefined {
  if (draft === undefined) return undefined;
  const { place, ...journal } = draft;
  if (!tiers.some(({ origin }) => origin)) {
    const message = "cache needs an origin that puts are brought to; say origin: true of a tier";
    report({ ...place(), message });
  }
  const isIn = ({ location }: StoreDraft): boolean =>
    location.kind === "file" && contain(location.directory, journal.directory);
  drafts.forEach((other, index) => {
    const name = tiers[index]?.name;
    if (name === pendingTierName) {
      const message = `${pendingTierName} is what the journal of ack: cache is called; choose another`;
      report({ ...other.place("name"), message });
    }
    if (!isIn(other)) return;
    const message = `is in the same place as tier ${name}; a journal needs its own`;
    report({ ...place("directory"), message });
  });
  if (metadata !== undefined && isIn(metadata)) {
    const message = "is in the same place as the metadata; a journal needs its own";
    report({ ...place("directory"), message });
  }
  return journal;
}
