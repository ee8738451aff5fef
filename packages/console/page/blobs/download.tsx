import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import { Notice } from "../frame/notice.tsx";

/** Above it a file goes through the command line: a page that sends a token holds it in memory. */
const downloadBytesMax = 256 * 2 ** 20;

interface DownloadProps {
  readonly api: Api;
  readonly digest: string;
  /** Where the API has its bytes: by the digest, or through a tag. */
  readonly path: string;
  /** What the command line reads it by. */
  readonly name: string;
  readonly size: number | undefined;
}

/** Saves a blob as a file, named after its digest. */
export function Download({ api, digest, path, name, size }: DownloadProps): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const file = digest.replace(":", "-");
  // A link can't carry a token.
  if (api.token.get() === "") {
    return (
      <a class="button" href={path} download={file}>
        Download
      </a>
    );
  }
  if (size === undefined || size > downloadBytesMax) {
    return (
      <p>
        Download it with <code>bitstore get {name}</code>.
      </p>
    );
  }
  const save = async (): Promise<void> => {
    try {
      const url = URL.createObjectURL(await api.download(path));
      const link = document.createElement("a");
      link.href = url;
      link.download = file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      setProblem(shown(error));
    }
  };
  return (
    <>
      <button type="button" onClick={() => void save()}>
        Download
      </button>
      {problem === undefined ? null : <Notice>{problem}</Notice>}
    </>
  );
}
