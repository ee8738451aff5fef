import { parseDigest } from "@bitstore/core";
import { explanationSchema } from "../openapi/schemas.ts";
import { wordingFor } from "../wire/hide-paths.ts";
import { sendJson } from "../wire/json.ts";
import { attemptOf } from "../wire/problem.ts";
import { problem } from "./responses.ts";
import { defineRoute, type Route } from "./route.ts";

export const explainBlob: Route = defineRoute(
  {
    operationId: "explainBlob",
    method: "get",
    path: "/v1/explain/{digest}",
    group: "blobs",
    summary: "Say what each tier answers for a blob",
    description:
      "Reads the blob from the first tier that has it, verified, past all that is remembered, and " +
      "fills no cache. The answer is 200 also where the blob is absent or could not be had.",
    scope: "read",
    confined: "never",
    responses: {
      200: {
        description: "The attempts, in the order of the tiers, up to the first that delivered it.",
        media: "application/json",
        schema: explanationSchema,
      },
      400: problem("The digest is malformed."),
    },
  },
  async (exchange) => {
    const digest = parseDigest(exchange.params["digest"] ?? "");
    const { store } = await exchange.workspace();
    const { attempts, ...rest } = await store.explain(digest, { signal: exchange.signal() });
    const say = wordingFor(exchange.principal);
    const told = attempts.map((attempt) => attemptOf(attempt, say));
    sendJson(exchange, 200, { ...rest, attempts: told });
  },
);
