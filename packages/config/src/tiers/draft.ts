import type { ConfigPlace } from "../file/problems.ts";
import type { Credentials } from "../store-config.ts";
import type { StoreLocation, StoreOptions } from "../url/store-url.ts";

/** A store as it was written, in a file or an argument, before its place among others is known. */
export interface StoreDraft {
  readonly location: StoreLocation;
  readonly options: StoreOptions;
  readonly credentials: readonly Credentials[];
  /** Whether a directory is made where there is none. */
  readonly create?: boolean;
  /** Where an option of it was written, or its URL where the option is in that. */
  readonly place: (option?: string, index?: number) => ConfigPlace;
}
