import { subscribe } from "node:diagnostics_channel";
import { afterEach } from "vitest";
import type { AlarmEvent } from "@bitstore/core";

/** Listens for alarms while the tests of a file run; each test begins with none. */
export function heardAlarms(): readonly AlarmEvent[] {
  const alarms: AlarmEvent[] = [];
  subscribe("bitstore:alarm", (message) => alarms.push(message as AlarmEvent));
  afterEach(() => void alarms.splice(0));
  return alarms;
}
