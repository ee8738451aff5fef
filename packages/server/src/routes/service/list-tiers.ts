import { z } from "@hono/zod-openapi";
import { wordingFor } from "../../wire/hide-paths.ts";
import { sendJson } from "../../wire/json.ts";
import { defineRoute, type Route } from "../route.ts";

const whole = z.number().int().min(0);

export const listTiers: Route = defineRoute(
  {
    operationId: "listTiers",
    method: "get",
    path: "/v1/tiers",
    group: "service",
    summary: "Show the tiers, how they do, and what they answered to this server",
    description:
      "Counts are since the server was started; `store` is a URL without secrets, and of a directory " +
      "its last name alone where the caller has not the scope `admin`.",
    scope: "read",
    confined: "never",
    responses: {
      200: {
        description: "The tiers, in the order in which they are asked.",
        media: "application/json",
        schema: z.object({
          tiers: z.array(
            z.object({
              name: z.string(),
              store: z.string(),
              role: z.enum(["source", "cache"]),
              origin: z.boolean(),
              readOnly: z.boolean(),
              hits: whole,
              misses: whole,
              failures: whole,
              p50Ms: z.number().optional(),
              p95Ms: z.number().optional(),
              health: z
                .object({
                  recent: z.looseObject({ requests: whole, failures: whole }),
                  breaker: z
                    .looseObject({ state: z.enum(["closed", "open", "half-open"]) })
                    .optional(),
                })
                .loose()
                .optional(),
            }),
          ),
        }),
      },
    },
  },
  async (exchange) => {
    const { store, health, counters } = await exchange.workspace();
    const say = wordingFor(exchange.principal);
    const healths = new Map(health?.().map((each) => [each.tier, each]));
    const tiers = store.tiers.map(({ name, source, role, origin, readOnly }) => {
      const said = healths.get(name);
      const { recent, breaker, limit, retries, hedges } = said ?? {};
      const shown =
        said === undefined ? {} : { health: { recent, breaker, limit, retries, hedges } };
      const about = { name, store: say(source.name), role, origin, readOnly };
      return { ...about, ...counters.of(name), ...shown };
    });
    sendJson(exchange, 200, { tiers });
  },
);
