import type { Command } from "commander";
import { carriesTags, type ProbeResult } from "@bitstore/doctor";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { formatCount } from "../frame/units.ts";
import { showStatusLine } from "../output/status-line.ts";
import { readConfig } from "../store/open-store.ts";
import { examine, type Patient, patientsOf } from "./examine.ts";
import { type Findings, findingsTables, findingsWords } from "./findings-table.ts";

interface DoctorOptions {
  readonly throughput: boolean;
}

/** Declares `doctor`. */
export function registerDoctor(program: Command, frame: Frame): void {
  program
    .command("doctor")
    .summary("probe what each tier and the metadata bucket can and can't do")
    .description(
      "Asks every tier, and the bucket of the tags, whether it keeps what bitstore stands on, and " +
        "says below the table what each `no` means; `?` could not be found out, `-` was not tried. " +
        "To tiers that may be written some 9 MiB and a few hundred small objects are put, below " +
        "`_doctor/`, and deleted again; a read-only tier is never written to, and an API that has a " +
        "price is not asked. Exits with 7 if something can't be reached, and with 2 if the metadata " +
        "bucket does not honour create-if-absent: tags are refused there.",
    )
    .option("--no-throughput", "leave the sample of throughput out, which is most of the requests")
    .action(frame.action(doctor));
}

async function doctor(
  invocation: Invocation,
  _args: readonly string[],
  { throughput }: DoctorOptions,
): Promise<void> {
  const { io, output, settings, signal } = invocation;
  const config = await readConfig(settings, io);
  const all: Findings[] = [];
  let now = "";
  {
    using line = showStatusLine({ io, output }, () => now);
    for (const patient of patientsOf(config)) {
      const results: ProbeResult[] = [];
      now = `probing ${escapeControls(patient.name)}`;
      for await (const result of examine(patient, { io, throughput, signal })) {
        results.push(result);
        now = `probing ${escapeControls(patient.name)}: ${formatCount(results.length, "answer")}`;
        if (settings.json) await output.result(recordOf(patient, result));
      }
      all.push({ patient, results });
      judge(invocation, { patient, results });
    }
    line.stop();
  }
  if (settings.json) return;
  await output.result({}, ...reportOf(all, invocation));
  if (config.metadata === undefined) {
    output.note("there is no metadata, so no tags: say metadata in the config, or --metadata URL");
  }
}

function recordOf({ name, kind, location, mayWrite }: Patient, result: ProbeResult): object {
  const { name: probe, elapsedMs, ...rest } = result;
  const tookMs = Math.round(elapsedMs * 1000) / 1000;
  return { tier: name, kind, location, mayWrite, probe, ...rest, elapsedMs: tookMs };
}

function reportOf(all: readonly Findings[], { output }: Invocation): readonly string[] {
  const { paint } = output;
  const words = all.flatMap((each) => findingsWords(each, paint));
  const unwritten = all.filter(({ patient }) => !patient.mayWrite);
  const names = unwritten.map(({ patient }) => escapeControls(patient.name)).join(", ");
  return [
    ...findingsTables(all, paint),
    ...(words.length === 0 ? [] : ["", ...words]),
    ...(names === "" ? [] : ["", `nothing was written to ${names}: read-only`]),
  ];
}

/** Counts what decides the exit status. */
function judge({ count }: Invocation, { patient, results }: Findings): void {
  const reachable = results.find(({ name }) => name === "reachable");
  const isReached = reachable?.outcome === "yes" || reachable?.outcome === "skipped";
  if (!isReached) count("UNAVAILABLE");
  if (patient.kind !== "metadata" || carriesTags(results)) return;
  const creation = results.filter(({ name }) => /^(create-twice|racing-creators)$/.test(name));
  if (creation.some(({ outcome }) => outcome === "no")) count("UNSUPPORTED");
  if (creation.some(({ outcome }) => outcome === "unknown")) count("UNAVAILABLE");
}
