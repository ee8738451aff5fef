export type { FileFacts, FileLayer, FileLock, NewFile, OpenFile } from "./file-layer.ts";
export { journalStatus } from "./journal-status.ts";
export { nodeFiles } from "./node-files.ts";
export {
  type WriteBackLimits,
  writeBackLimitsDefault,
  type WriteBackOptions,
} from "./settings.ts";
export {
  type SharedWriteBack,
  sharedWriteBack,
  type SharedWriteBackOptions,
} from "./shared-write-back.ts";
export type { FailedBlob, WriteBackStatus } from "./status.ts";
export { type WriteBack, writeBack } from "./write-back.ts";
