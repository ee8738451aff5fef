import { openCradle } from "../faults/mortal-service.ts";
import { fetchWhileKilled, startMortalClouds } from "../faults/killed-services.ts";
import { hold, type Soak } from "./soak.ts";

const count = Number(process.env["BITSTORE_SOAK_DIGESTS"] ?? 20_000);
const deadMs = 3000;

/** Fetches twenty thousand digests over four services, each of which is killed once on the way. */
export const killedServices: Soak = async (_services, folder, print) => {
  await using cradle = openCradle(process.env);
  await using services = new AsyncDisposableStack();
  const clouds = await startMortalClouds(cradle);
  for (const each of clouds) services.use(each);
  const victims = clouds.map(({ cloud }) => cloud.name);
  for (const plan of [
    { count, victims, deadMs },
    { count, victims: [], deadMs },
  ]) {
    const result = await fetchWhileKilled(clouds, folder, plan);
    const { statuses, errors, lost, strays, elapsedMs, kills } = result;
    const killed = kills.length === 0 ? "none killed" : kills.join("; ");
    print(
      `${result.digests} digests in ${(elapsedMs / 1000).toFixed(1)} s, each service dead for ` +
        `${deadMs / 1000} s (${killed}): ${JSON.stringify(statuses)}, lost ${lost}, strays ${strays}`,
    );
    for (const [error, times] of Object.entries(errors)) print(`  ${times} x ${error}`);
    hold(result.status === 0 && lost === 0 && strays === 0, "nothing is lost and nothing failed");
  }
};
