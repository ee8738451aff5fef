/**
 * What `init` writes. The settings in force are those that hold without a config, so that writing
 * the file changes nothing; a test loads it as it is, and with every example uncommented, and looks
 * whether it has every setting.
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

  # Another copy that is ours to write. heal: true replaces wrong bytes there, once a second read
  # has found them as well; hedge: false never asks a second time while a first answer is slow.
  # - { name: second, url: "./.bitstore/second", readOnly: false, heal: true, hedge: false }

  # Buckets. Credentials come from each service's own environment, such as AWS_PROFILE,
  # GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_CONNECTION_STRING.
  # - { name: customer, url: "s3://aws-customer-data/files/" }
  # - { name: archive, url: "gs://my-project/blobs/" }
  # - { name: partner, url: "az://container/prefix/" }

  # Credentials of a tier's own, or a list that is tried in order: default, anonymous, or a map of
  # profile, or accessKeyId, secretAccessKey and sessionToken (s3); keyFile (gs); connectionString,
  # or accountName and accountKey, or sas (az). Secrets are written as env:NAME or file:PATH.
  # - { name: keys, url: "s3://keyed-data/",
  #     credentials: { accessKeyId: "DATA_KEY", secretAccessKey: "env:DATA_SECRET" } }

  # A bucket that another program wrote: keys are the prefix and the hex of one algorithm. The
  # profile is one of the AWS config files.
  # - { name: legacy, url: "s3://old-data/", layout: flat, algorithm: sha1, profile: old }

  # An S3 clone. An endpoint takes credentials of its own, or none.
  # - { name: clone, url: "s3://models/", endpoint: "https://s3.example.com", region: us-east-1,
  #     pathStyle: true, anonymous: true }

  # How what is put is stored and encrypted, in parts of which size, and who pays for requests.
  # - { name: cold, url: "s3://cold-data/", readOnly: false, storageClass: STANDARD_IA,
  #     partBytes: 16MiB, requesterPays: true, serverSideEncryption: "aws:kms", sseKmsKeyId: key-1 }
  # - { name: sealed, url: "gs://sealed-data/", userProject: my-project,
  #     kmsKeyName: "projects/p/locations/eu/keyRings/r/cryptoKeys/k" }
  # - { name: scoped, url: "az://scoped/", account: myaccount, encryptionScope: my-scope }

  # An HTTP API that has blobs by digest: {digest}, {algorithm} and {hex} are replaced. What a
  # request costs is for the reports. "fill" names the caches that it fills; else all before it.
  # - { name: api, url: "https://api.example.com/blobs/{hex}", price: 0.002USD,
  #     timeoutMs: 30000, concurrencyMax: 16, fill: [disk] }

  # What such an API can: answer HEAD (else true), honour Range (else false), take puts (else
  # false). It is sent these headers, and so many requests in a second.
  # - { name: paid, url: "https://paid.example.com/{digest}", head: false, rangeRead: true,
  #     put: true, requestsPerSecondMax: 50, headers: { x-api-key: "env:PAID_API_KEY" } }

  # Another bitstore goes by BITSTORE_TOKEN, or by a header of its own. As the only tier it keeps
  # the tags as well; beside others, metadata says so: { url: …, headers: … }.
  # - { name: remote, url: "bitstore+https://store.example.com",
  #     headers: { authorization: "Bearer env:REMOTE_TOKEN" } }

  # A tier that fails is passed over, unless it says onFailure: stop. Where a bucket refuses to say
  # that an object is not there (AccessDenied), forbiddenMeans: miss takes it so, while the canary,
  # a blob that is known to be there, can be read. A miss is remembered for negativeTtlMs; 0: never.
  # - { name: strict, url: "s3://other-data/", onFailure: stop, forbiddenMeans: miss,
  #     canary: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  #     negativeTtlMs: 0 }

# Where tags are kept: a bucket or a directory of its own.
metadata: "./.bitstore/metadata"

# Who acknowledges a put: the origin, or a journal on this disk, from which blobs are brought to the
# origin later. The journal outlives a crash; a full one takes no more; tags wait for the origin.
# ack: cache
# journal: { directory: "./.bitstore/journal", bytesMax: 10GiB, entryBytesMax: 1GiB,
#     concurrencyMax: 8 }

# The server: bitstore serve. Anybody on this machine may do everything; beyond it, it wants auth.
# docs/access.md says more of each.
# server:
#   # Where it listens, and by which files with a certificate chain and its key, as PEM; else HTTP.
#   host: 127.0.0.1
#   port: 7070
#   tls: { cert: "./cert.pem", key: "./key.pem" }
#   # Further names that clients know it by, and origins whose pages may ask.
#   hosts: [store.example.com]
#   cors: { origins: ["https://app.example.com"] }
#   # Proxies whose X-Forwarded-For is believed: addresses and CIDR ranges.
#   trustedProxies: [10.0.0.0/8]
#   # Seconds that requests under way are given when it ends.
#   drainSeconds: 30
#   # The least that is logged: debug, info, warn, error or silent; and where traces go (OTLP/HTTP).
#   log: error
#   tracing: { url: "http://127.0.0.1:4318", serviceName: bitstore, ratio: 0.1 }
#   # Who may ask. Without auth: anybody on this machine, and it listens on loopback only.
#   auth:
#     # Signs receipts and the audit log: 32 bytes at least.
#     secret: env:BITSTORE_SECRET
#     # What bitstore token create prints. tagPrefixes confine a token to those tags.
#     tokens:
#       - name: build
#         hash: "sha256:aeb0b8f7e2a6f3b04bd4ea13b1dd7cf6c4f8ac41a8ad6f4ed0d5e4a2ef9b3f57"
#         scopes: [read, write, tag]
#         namespace: team-a
#         tagPrefixes: [builds]
#         expires: 2099-12-31
#     # An issuer of JWTs, and what its tokens may at most.
#     jwt:
#       issuer: https://login.example.com/
#       audience: bitstore
#       algorithms: [RS256]
#       jwksUrl: https://login.example.com/.well-known/jwks.json
#       scopes: [read]
#       claims: { scope: scope, scopePrefix: "bitstore:", name: sub }
#     # What callers without credentials may; nobody gets in without, if it is left out.
#     anonymous: { scopes: [read] }
#   # Further namespaces, and the read-only tiers that each may read from.
#   namespaces: { team-a: { sources: [customer] } }
#   # Records who changed what: true in the metadata, or { url: "s3://audit/" }.
#   audit: true
#   limits:
#     # Bytes of the longest blob; digests of one list; bytes of all lists that are held at a time.
#     blobBytes: 5497558138880
#     listedDigests: 10000000
#     listBytes: 2147483648
#     # Of one client: requests in a second, at once after it was quiet, and under way.
#     requestsPerSecond: 2000
#     burst: 1000
#     requestsPerClient: 2048
#     # Archives that are being sent, to all clients and to one.
#     archives: 64
#     archivesPerClient: 16
#     # Open connections of all clients, and of one address.
#     connections: 20000
#     connectionsPerAddress: 4096
`;
