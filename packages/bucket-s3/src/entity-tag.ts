/** Takes the quotes off, which some services put around an entity tag and some do not. */
export function versionOf(etag: string | undefined): string | undefined {
  if (etag === undefined || etag === "") return undefined;
  return /^".*"$/.test(etag) ? etag.slice(1, -1) : etag;
}

/** Writes a version as the entity tag that a condition names; undefined where none can be it. */
export function etagOf(version: string): string | undefined {
  if (/^W\/"[\x21\x23-\x7e]*"$/.test(version)) return version;
  return /^[\x21\x23-\x7e]+$/.test(version) ? `"${version}"` : undefined;
}

/** How an object is stored, as far as it decides what its entity tag is. */
export interface StoredAs {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

/**
 * Returns the MD5 that an entity tag is: that of an object that was put in one piece and is not
 * encrypted with a key of the key service or of the customer.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function md5Of(version: string | undefined, stored: StoredAs): string | undefined {
  if (stored.ServerSideEncryption?.startsWith("aws:kms") === true) return undefined;
  if (stored.SSECustomerAlgorithm !== undefined) return undefined;
  return version !== undefined && /^[0-9a-f]{32}$/.test(version) ? version : undefined;
}
