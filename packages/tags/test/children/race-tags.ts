import { fsBucket } from "@bitstore/bucket-fs";
import { raceOn } from "../race-writers.ts";

// Appends to every tag of a directory with a few writers, at the same time as other processes do.

const [root = "", first = "0", count = "0", tags = "0"] = process.argv.slice(2);
const writers = Array.from({ length: Number(count) }, (_, n) => Number(first) + n);
await raceOn(() => fsBucket({ root, create: true, fsync: false }), writers, Number(tags));
