import { open } from "node:fs/promises";
import { StoreError } from "@bitstore/core";
import type { Environment } from "../file/expand.ts";
import { escapeControls } from "../show-text.ts";
import { secretReference } from "../url/secret-text.ts";

const secretBytesMax: number = 64 * 1024;

/**
 * Reads what `env:NAME` or `file:PATH` refers to, without the white space around it; any other text
 * is the secret itself.
 *
 * @throws CONFIG_INVALID naming the field and the place, never the value.
 */
export async function readSecret(text: string, field: string, env: Environment): Promise<string> {
  const [, , kind, target] = secretReference.exec(text) ?? [];
  if (target === undefined) return text;
  const value = kind === "env" ? env[target] : await readSecretFile(target, field);
  if (value !== undefined && value.trim() !== "") return value.trim();
  throw refusal(
    field,
    `${kind}:${escapeControls(target)} is ${value === undefined ? "not set" : "empty"}`,
  );
}

async function readSecretFile(path: string, field: string): Promise<string> {
  const buffer = new Uint8Array(secretBytesMax + 1);
  let size = 0;
  try {
    await using file = await open(path, "r");
    while (size < buffer.byteLength) {
      const { bytesRead } = await file.read(buffer, size, buffer.byteLength - size, null);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    throw refusal(field, `file:${escapeControls(path)} can't be read (${code})`);
  }
  if (size > secretBytesMax)
    throw refusal(field, `file:${escapeControls(path)} is too long for a secret`);
  return new TextDecoder().decode(buffer.subarray(0, size));
}

function refusal(field: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    subject: `credentials ${field}`,
    message,
  });
}
