import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type {
  AlarmEvent,
  AttemptEvent,
  BreakerEvent,
  FillEvent,
  RetryEvent,
  StreamEvent,
} from "@bitstore/core";

/** What core publishes, by the last part of the channel's name. */
export interface CoreEvents {
  readonly alarm: AlarmEvent;
  readonly attempt: AttemptEvent;
  readonly breaker: BreakerEvent;
  readonly fill: FillEvent;
  readonly retry: RetryEvent;
  readonly stream: StreamEvent;
}

/** Who listens to which of core's channels. */
export type CoreListeners = {
  readonly [K in keyof CoreEvents]?: (event: CoreEvents[K]) => void;
};

/**
 * Listens to core's channels until it is disposed. Core publishes nothing where nobody listens, so what
 * is not wanted costs nothing. A listener that throws is not heard of: telemetry breaks no read.
 */
export function listenToCore(listeners: CoreListeners): Disposable {
  const undone = Object.entries(listeners).map(([name, listener]) => {
    const channel = `bitstore:${name}`;
    const onEvent = (event: unknown): void => {
      try {
        (listener as (event: unknown) => void)(event);
      } catch {
        // Node would end the process for it.
      }
    };
    subscribe(channel, onEvent);
    return () => unsubscribe(channel, onEvent);
  });
  return { [Symbol.dispose]: () => undone.forEach((undo) => undo()) };
}
