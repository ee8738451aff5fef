import type { Command } from "commander";
import { namespaceConfig, openComposite, openTags, parseStore, readSecret } from "@bitstore/config";
import {
  type Bucket,
  createDisposal,
  type Disposal,
  StoreError,
  type TagLog,
} from "@bitstore/core";
import type { AuditHead, AuditVerification } from "@bitstore/server";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage, hinted } from "../frame/hinted.ts";
import { parseMoment } from "../input/parse-moment.ts";
import { readConfig } from "../store/open-store.ts";
import { openStoreFolder } from "../store/tier-bucket.ts";

interface VerifyOptions {
  readonly anchor?: readonly string[];
}

interface LogOptions {
  readonly since?: string;
  readonly principal?: string;
}

/** Declares `audit`, `audit verify` and `audit log`. */
export function registerAudit(program: Command, frame: Frame): void {
  const audit = program
    .command("audit")
    .summary("read and check the audit log of a server")
    .description(
      "Reads the audit log: who put, deleted and tagged what, as the servers of this config wrote it.",
    );
  audit
    .command("verify")
    .summary("check that nothing of the log was changed")
    .description(
      "Reads the whole log and checks that nothing of it was edited, removed, added or moved, and that " +
        "the tags are what it says. Prints `END  CHAIN:SEGMENT:SHA256` for each chain, one for each " +
        "time that a server ran: keep that word elsewhere and give it as --anchor, and nobody can cut " +
        "the chain short unseen. END is closed, anchored, or open: then its newest records may have " +
        "been cut off. Exits with 4 if anything is wrong, with 3 if there is no log.",
    )
    .option("--anchor <head>", "what a chain was known to be (repeatable)", addWord)
    .action(frame.action<VerifyOptions>(verify));
  audit
    .command("log")
    .summary("print the records of the log")
    .description(
      "Prints `time  principal  namespace  phase  operation  subject  result`, oldest process first. An " +
        "intent without an outcome may have been done or not. It checks nothing; `audit verify` does. Exits with 3 if there is none.",
    )
    .argument("[subject]", "the digest or the tag that it is about")
    .option("--since <time>", "records of that time and later, such as 2026-11-20 or 2h")
    .option("--principal <name>", "of one principal alone")
    .action(frame.action<LogOptions>(printLog));
}

async function verify(
  invocation: Invocation,
  _args: readonly string[],
  { anchor = [] }: VerifyOptions,
): Promise<void> {
  const { io, settings, signal } = invocation;
  const { auditKey, parseAccess, parseHead, verifyAudit } = await import("@bitstore/server");
  const anchors = anchor.map((text): AuditHead => {
    const head = parseHead(text);
    if (head !== undefined) return head;
    throw badUsage(
      `${JSON.stringify(text.slice(0, 80))} is no head of a chain`,
      "write CHAIN:SEGMENT:SHA256, as bitstore audit verify prints it",
    );
  });
  const config = await readConfig(settings, io);
  const { secrets, namespaces } = parseAccess(config.server, "127.0.0.1");
  const [secret] = secrets;
  const key =
    secret === undefined
      ? undefined
      : auditKey(Buffer.from(await readSecret(secret, "server.auth.secret", io.env)));
  await using opened = createDisposal();
  const bucket = await openAuditBucket(invocation, opened);
  async function tagsOf(namespace: string): Promise<TagLog | undefined> {
    const view = namespaces.get(namespace) ?? { sources: [] };
    const own = { ...namespaceConfig(config, namespace, view), journal: undefined };
    const composite = opened.add(await openComposite(own, { env: io.env }));
    const hasTags = composite.metadata !== undefined || composite.server !== undefined;
    return hasTags ? openTags(composite, { namespace }) : undefined;
  }
  const logs = new Map<string, Promise<TagLog | undefined>>();
  const found = await verifyAudit(bucket, {
    key,
    anchors,
    signal,
    tagsOf(namespace) {
      const log = logs.get(namespace) ?? tagsOf(namespace);
      logs.set(namespace, log);
      return log;
    },
  });
  if (found.chains.length + found.problems.length === 0) throw noLog("verify", bucket);
  await report(invocation, found);
}

/** What checked nothing, or found nothing, must not look as if all were well. */
function noLog(operation: string, { name: source }: Bucket): Error {
  return hinted({
    code: "NOT_FOUND",
    operation,
    subject: "audit log",
    source,
    message: "there is none",
    hint: "it is written by a server whose config has server.auth; name that config with --config",
  });
}

async function report(
  { output, count }: Invocation,
  { chains, problems }: AuditVerification,
): Promise<void> {
  for (const chain of chains) {
    const style = chain.end === "open" ? "yellow" : "green";
    const end = output.paint(style, chain.end.padEnd("anchored".length));
    const head = `${chain.chain}:${chain.segments}:${chain.sha256}`;
    const text = `${end}  ${head}  ${chain.records} records`;
    await output.result({ ...chain, head }, text);
  }
  if (problems.length > 0) count("DIGEST_MISMATCH");
  for (const { chain, segment, problem } of problems) {
    const wrong = output.paint("red", "wrong".padEnd("anchored".length));
    const text = `${wrong}  ${escapeControls(`${chain}:${segment}  ${problem}`)}`;
    await output.result({ end: "wrong", chain, segment, problem }, text);
  }
}

async function printLog(
  invocation: Invocation,
  [subject]: readonly string[],
  { since, principal }: LogOptions,
): Promise<void> {
  const { output, signal } = invocation;
  const from = since === undefined ? undefined : parseMoment(since, Date.now());
  const { readAudit } = await import("@bitstore/server");
  await using opened = createDisposal();
  const bucket = await openAuditBucket(invocation, opened);
  const asked = { since: from, principal, subject, signal };
  let records = 0;
  for await (const record of readAudit(bucket, asked)) {
    if (signal.aborted) throw signal.reason;
    records += 1;
    const { time, principal: who, namespace, phase, operation, tag, digest, result } = record;
    const about = [tag, digest].filter((part) => part !== undefined).join(" ");
    const words = [time, who, namespace, phase, operation, about, result ?? ""];
    await output.result({ ...record }, words.map(escapeControls).join("  ").trimEnd());
  }
  if (records > 0) return;
  const all = readAudit(bucket, { signal });
  const first = await all.next();
  await all.return();
  if (first.done === true) throw noLog("read", bucket);
  output.note("no record of the log is of that kind");
  invocation.count("NOT_FOUND");
}

/** Opens where the log lies: the bucket that `server.audit` names, or the metadata. */
async function openAuditBucket({ io, settings }: Invocation, opened: Disposal): Promise<Bucket> {
  const { parseAudit } = await import("@bitstore/server");
  const { server, metadata } = await readConfig(settings, io);
  // It is read where it was written once, even if nothing is audited any more.
  const url = parseAudit(server["audit"], "required")?.url;
  const store = url === undefined ? metadata : parseStore(url, io.cwd);
  if (store !== undefined) return opened.add(await openStoreFolder(store, io));
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    message: "the audit log lies in the metadata; say metadata in the config, or --metadata URL",
  });
}

function addWord(text: string, words: readonly string[] = []): readonly string[] {
  return [...words, text];
}
