import { join } from "node:path";
import { seededRandom } from "@bitstore/conformance";
import { uniqueName } from "../services/services.ts";
import type { Cloud } from "./clouds.ts";
import {
  fetchOperation,
  type KillOperation,
  putOperation,
  tagOperation,
} from "./kill-operations.ts";
import { type KillResult, killRounds } from "./kill-rounds.ts";

/** Makes each operation, on a directory and on a cloud where there is one. */
export async function killOperations(
  folder: string,
  cloud: Cloud | undefined,
): Promise<readonly KillOperation[]> {
  const local = { url: "./blobs" };
  const operations = [
    await putOperation("put, directory", join(folder, "put-fs"), local, {}),
    await fetchOperation("fetch and fill, directory", join(folder, "fetch-fs"), local, {}),
    await tagOperation("tag set, directory", join(folder, "tag-fs"), {}),
  ];
  if (cloud === undefined) return operations;
  const bucket = uniqueName("killed");
  await cloud.makeBucket(bucket);
  const tier = cloud.tier(bucket, cloud.endpoint);
  const other = uniqueName("killed");
  await cloud.makeBucket(other);
  const origin = cloud.tier(other, cloud.endpoint);
  return [
    ...operations,
    await putOperation(`put, ${cloud.name}`, join(folder, "put-cloud"), tier, cloud.env),
    await fetchOperation(
      `fetch and fill, ${cloud.name}`,
      join(folder, "fetch-cloud"),
      origin,
      cloud.env,
    ),
  ];
}

/** Kills each operation in so many rounds, some operations at a time. */
export async function killMatrix(
  operations: readonly KillOperation[],
  rounds: (operation: KillOperation) => number,
  lanes: number,
): Promise<readonly KillResult[]> {
  const results: KillResult[] = [];
  const waiting = operations.entries();
  const lane = async (): Promise<void> => {
    for (const [at, operation] of waiting) {
      const random = seededRandom(at + 1);
      results.push(await killRounds(operation, rounds(operation), () => random.next()));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** Writes the matrix as lines of a table. */
export function killTable(results: readonly KillResult[]): readonly string[] {
  const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  return [
    row("operation", "rounds", "killed", "with an acknowledgement", "violations"),
    row("---", "---:", "---:", "---:", "---:"),
    ...results.map(({ name, rounds, killed, acknowledged, violations }) =>
      row(name, rounds, killed, acknowledged, violations.length),
    ),
  ];
}
