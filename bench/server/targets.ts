import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startBitstoreServer } from "../../test/acceptance/bitstore-server.ts";
import { type ProcessUse, processUse } from "../../test/acceptance/process-use.ts";
import { findOnPath } from "../../test/services/find-on-path.ts";
import { findFreePort } from "../../test/services/free-port.ts";

/** A blob to be served, and what it is named by. */
export interface HotBlob {
  readonly bytes: Buffer;
  /** Of its sha256. */
  readonly hex: string;
}

/** A server of one process that has the blobs, warm. Disposing it ends it. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  urlOf(blob: HotBlob): string;
  use(): ProcessUse;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Starts `bitstore serve` with a memory cache before a directory. */
export async function bitstoreTarget(
  folder: string,
  blobs: readonly HotBlob[],
  env: Environment,
): Promise<Target> {
  const profile = env["BITSTORE_BENCH_PROFILE"];
  const server = await startBitstoreServer({
    folder,
    config: {
      tiers: [
        { name: "memory", url: "memory:", role: "cache", bytesMax: "64MiB" },
        { name: "disk", url: "./blobs", origin: true },
      ],
      metadata: "./metadata",
    },
    nodeOptions: profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`],
  });
  const urlOf = ({ hex }: HotBlob): string => `${server.url}/v1/blobs/sha256:${hex}`;
  for (const blob of blobs) {
    await must(fetch(urlOf(blob), { method: "PUT", body: new Uint8Array(blob.bytes) }));
    // The first read fills the cache beside its answer.
    for (;;) {
      const answer = await must(fetch(urlOf(blob)));
      if (answer.headers.get("x-bitstore-tier") === "memory") break;
    }
  }
  return {
    name: "bitstore",
    urlOf,
    use: server.use,
    async [Symbol.asyncDispose]() {
      await server.end();
    },
  };
}

/** Starts node:http with the blobs in memory: what is left if nothing is done but answering. */
export async function plainNodeTarget(folder: string, blobs: readonly HotBlob[]): Promise<Target> {
  const files = await writeBlobs(folder, blobs);
  const script = join(import.meta.dirname, "plain-node.ts");
  const child = spawn(process.execPath, [script, ...files], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return childTarget("node:http", child, `http://127.0.0.1:${String(port).trim()}/`);
}

/** Starts nginx with one worker over a folder of files; undefined where it is not installed. */
export async function nginxTarget(
  folder: string,
  blobs: readonly HotBlob[],
  env: Environment,
): Promise<Target | undefined> {
  const nginx = env["BITSTORE_BENCH_NGINX"] ?? findOnPath("nginx", `${env["PATH"]}:/usr/sbin`);
  if (nginx === undefined) return undefined;
  await writeBlobs(folder, blobs);
  const port = await findFreePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/temporary;`)
    .join("\n");
  await writeFile(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  ${temporary}
  server { listen 127.0.0.1:${port}; root ${folder}; }
}
`,
  );
  const child = spawn(nginx, ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return await listening(childTarget("nginx", child, `http://127.0.0.1:${port}/`), blobs);
}

/** Starts bazel-remote over a folder; undefined where it is not installed. */
export async function bazelRemoteTarget(
  folder: string,
  blobs: readonly HotBlob[],
  env: Environment,
): Promise<Target | undefined> {
  const program = env["BITSTORE_BENCH_BAZEL_REMOTE"] ?? findOnPath("bazel-remote", env["PATH"]);
  if (program === undefined) return undefined;
  await mkdir(folder, { recursive: true });
  const port = await findFreePort();
  const options = ["--dir", folder, "--max_size", "1", "--storage_mode", "uncompressed"];
  const addresses = ["--http_address", `127.0.0.1:${port}`, "--grpc_address", "none"];
  const child = spawn(program, [...options, ...addresses, "--access_log_level", "none"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const target = childTarget("bazel-remote", child, `http://127.0.0.1:${port}/cas/`);
  return await listening(target, blobs, async (blob) => {
    const body = new Uint8Array(blob.bytes);
    await must(fetch(target.urlOf(blob), { method: "PUT", body }));
  });
}

function childTarget(name: string, child: ChildProcess, base: string): Target {
  const ended = once(child, "exit");
  ended.catch(() => undefined);
  return {
    name,
    urlOf: ({ hex }) => `${base}${hex}`,
    use: () => processUse(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

const startsMsMax = 10_000;

/** Waits until a target has the blobs. */
async function listening(
  target: Target,
  blobs: readonly HotBlob[],
  put: (blob: HotBlob) => Promise<void> = () => Promise.resolve(),
): Promise<Target> {
  const endMs = performance.now() + startsMsMax;
  for (;;) {
    try {
      for (const blob of blobs) {
        await put(blob);
        await must(fetch(target.urlOf(blob)));
      }
      return target;
    } catch (error) {
      if (performance.now() > endMs) {
        await target[Symbol.asyncDispose]();
        throw error;
      }
      await sleep(50);
    }
  }
}

async function writeBlobs(folder: string, blobs: readonly HotBlob[]): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const files = blobs.map(({ hex }) => join(folder, hex));
  await Promise.all(blobs.map(({ bytes }, at) => writeFile(files[at] ?? "", bytes)));
  return files;
}

/** Resolves to an answer that is a success, and was read. */
async function must(asked: Promise<Response>): Promise<Response> {
  const answer = await asked;
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  return answer;
}
