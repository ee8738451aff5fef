/** What names a blob, as bits: one blob may be named in several ways. */
export const markKinds = { tag: 1, pin: 2, lease: 4 } as const;

/** Some of {@link markKinds}; 0 where nothing names the blob. */
export type MarkKinds = number;
