/** What HEAD says of cold storage. */
export interface HeadColdness {
  readonly StorageClass?: string | undefined;
  /** Such as `ongoing-request="false", expiry-date="…"`. */
  readonly Restore?: string | undefined;
  /** Set where an object of Intelligent-Tiering has moved to one of its archives. */
  readonly ArchiveStatus?: string | undefined;
}

/** What a list says of cold storage. */
export interface ListColdness {
  readonly StorageClass?: string | undefined;
  readonly RestoreStatus?:
    | {
        readonly IsRestoreInProgress?: boolean | undefined;
        readonly RestoreExpiryDate?: Date | undefined;
      }
    | undefined;
}

/** Classes that a read has to wait for hours for. GLACIER_IR is read at once, despite its name. */
const coldClasses: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** Tells whether a read would answer ARCHIVED, by what HEAD says. */
export function isArchived(head: HeadColdness): boolean {
  const cold = coldClasses.has(head.StorageClass ?? "") || head.ArchiveStatus !== undefined;
  return cold && !/ongoing-request="false"/.test(head.Restore ?? "");
}

/**
 * Tells whether a read would answer ARCHIVED, by what a list says. It says nothing of the archives
 * of Intelligent-Tiering, and of restored copies only where it is asked to.
 */
export function isListedArchived({ StorageClass, RestoreStatus }: ListColdness): boolean {
  if (!coldClasses.has(StorageClass ?? "")) return false;
  return (
    RestoreStatus?.IsRestoreInProgress !== false || RestoreStatus.RestoreExpiryDate === undefined
  );
}
