/**
 * What `init` writes. The settings in force are those that hold without a config, so that writing the
 * file changes nothing; a test loads it as it is, and with every example uncommented.
 */
export const configTemplate = `# bitstore.yaml: which stores make up one, and how.
# Relative paths start from this file. \${NAME} is replaced from the environment.

# Tiers are asked in this order. A tier is read-only unless it is the origin, a cache, or says
# readOnly: false.
tiers:
  # A cache keeps what tiers behind it give. In memory it lasts as long as the process; on disk it
  # stays, and is never larger than bytesMax.
  # - { name: memory, url: "memory:", role: cache, bytesMax: 256MiB }
  # - { name: disk, url: "./.bitstore/cache", role: cache, bytesMax: 50GiB }

  # The origin is where puts go. A directory, or any of the buckets below.
  - { name: blobs, url: "./.bitstore/blobs", origin: true }

  # Buckets. Credentials come from each service's own environment, such as AWS_PROFILE,
  # GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_CONNECTION_STRING.
  # - { name: customer, url: "s3://aws-customer-data/files/" }
  # - { name: archive, url: "gs://my-project/blobs/" }
  # - { name: partner, url: "az://container/prefix/" }

  # A bucket that another program wrote: keys are the prefix and the hex of one algorithm.
  # - { name: legacy, url: "s3://old-data/", layout: flat, algorithm: sha1 }

  # An S3 clone. An endpoint takes credentials of its own, or none.
  # - { name: clone, url: "s3://models/", endpoint: "https://s3.example.com", region: us-east-1,
  #     pathStyle: true, anonymous: true }

  # An HTTP API that has blobs by digest: {digest}, {algorithm} and {hex} are replaced. What a request
  # costs is for the reports. "fill" names the caches that it fills; else all before it.
  # - { name: api, url: "https://api.example.com/blobs/{hex}", price: 0.002USD,
  #     timeoutMs: 30000, concurrencyMax: 16, fill: [disk] }

  # A tier that fails is passed over, unless it says onFailure: stop. Where a bucket refuses to say
  # that an object is not there (AccessDenied), forbiddenMeans: miss takes it so.
  # - { name: strict, url: "s3://other-data/", onFailure: stop, forbiddenMeans: miss }

# Where tags are kept: a bucket or a directory of its own.
metadata: "./.bitstore/metadata"

# Who acknowledges a put: the origin, or a journal on this disk, from which blobs are brought to the
# origin later. The journal outlives a crash; a full one takes no more; tags wait for the origin.
# ack: cache
# journal: { directory: "./.bitstore/journal", bytesMax: 10GiB }

# The server: bitstore serve. Anybody on this machine may do everything; beyond it, it wants tokens or
# an issuer of JWTs (auth), as docs/access.md says; bitstore token create makes one.
# server: { host: 127.0.0.1, port: 7070, log: error, drainSeconds: 30,
#     limits: { requestsPerSecond: 2000, requestsPerClient: 1000 } }
`;
