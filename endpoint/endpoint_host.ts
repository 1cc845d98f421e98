import type { Counters } from "../common/stats.ts";
import { SharedInterval, type Timers } from "../common/timers.ts";
import type { SendQueue } from "../socket/send_queue.ts";
import type { SettingsChooser } from "./connection_settings.ts";
import type { Connections } from "./connections.ts";
import type { EndpointHub } from "./endpoint_hub.ts";
import type { UpgraderHost } from "./upgrader.ts";

/** Milliseconds between checks of slow peers, for runtimes that do not report every drain. */
const DRAIN_INTERVAL = 10;

/** Makes the services that the handshakes and connections of an endpoint share. */
export function makeHost(
  settings: SettingsChooser,
  { hub, users, userCloses, presence }: EndpointHub,
  connections: Connections,
  counters: Counters,
  timers: Timers,
): UpgraderHost {
  const { limits, idle, trustedHops } = settings.base;
  return {
    settings,
    limits,
    hub,
    users,
    userCloses,
    presence,
    counters,
    timers,
    idle,
    slow: new SharedInterval<SendQueue>(timers, DRAIN_INTERVAL, (queue) => queue.checkDrain()),
    trustedHops,
    ids: new Map(),
    isClosed: () => connections.isClosing,
    pending: new Set(),
    later: (_, task) => queueMicrotask(task),
    began: (connection) => connections.began(connection),
    finished: (connection) => connections.finished(connection),
  };
}
