/** Prefix of a namespace's leases. */
export function leasePrefix(namespace: string): string {
  return `v1/${namespace}/l/`;
}

/** Key of one lease. */
export function leaseKey(namespace: string, id: string): string {
  return `${leasePrefix(namespace)}${id}.json`;
}
