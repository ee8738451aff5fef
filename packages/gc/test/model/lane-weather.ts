import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";
import {
  calm,
  seededWeather,
  type Storm,
  type Weather,
} from "../../../conformance/src/sim/weather.ts";

/** What befalls the requests of each lane of a history. */
export interface LaneWeather {
  readonly isStormy: boolean;
  of(lane: string): Weather;
}

const kinds: readonly Partial<Storm>[] = [
  { late: 0.1 },
  { lostAnswer: 0.1 },
  { lostCall: 0.1 },
  { slow: 0.2 },
  { doubled: 0.1, late: 0.05 },
  { broken: 0.1 },
];

/** Half the histories have trouble of one kind; readers have none, so that each read must succeed. */
export function laneWeather(sim: Scheduler): LaneWeather {
  const random = sim.random.fork("weather");
  const isStormy = random.chance(0.5);
  const storm = isStormy ? { ...calm, ...random.pick(kinds) } : calm;
  return {
    isStormy,
    of: (lane) =>
      seededWeather(sim.random.fork(`weather of ${lane}`), {
        storm: lane.includes("reader") ? calm : storm,
        stormEndMs: Number.POSITIVE_INFINITY,
      }),
  };
}
