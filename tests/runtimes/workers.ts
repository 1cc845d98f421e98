import { durableObjects, noSignal } from "./durable.ts";
import type { Gap, Runtime } from "./native.ts";
import { WORKERD_DATE, workerdRuntime } from "../harness/processes/workerd.ts";

/** Gaps of workerd that all sockets share. */
const shared = (...ids: string[]) => ids.map((id) => [id, durableObjects.gaps[id]!] as const);

/** Gap by RFC 1122 §4.2.2.13, as in `closesOverUnread`. */
const resetsOverUnread: Gap = {
  reason: "workerd resets the connection of a client that broke the protocol if bytes are unread",
  link: "https://www.rfc-editor.org/rfc/rfc1122#page-88",
};

const workerGaps: Readonly<Record<string, Gap>> = Object.fromEntries([
  ["X6.wire-late", resetsOverUnread],
  ...shared(
    "C3.burst",
    "C3.patient",
    "C3.pause",
    "C4.late-reader",
    "C4.one-answer",
    "C4.upgrade",
    "C4.upgrade-list",
    "C8.fin",
    "C8.refused-fin",
    "C10.empty-origin",
    "C13.ping",
    "L1.above-64-mib",
    "L1.fragment-flood",
    "L3.answers",
    "L3.no-limit",
    "L3.no-pings",
    "L3.ping",
    "L3.sends",
    "L3.silent",
    "S6.compress",
    "S7.hooks",
    "S7.ping",
    "X6.a-long-ping",
    "X6.open-never-done",
    "X6.text-that-is-not-UTF-8",
    "X6.wire-text",
    "X6.wire-inflated",
  ),
]);

/** Plain Workers of the current compatibility date: a column of the compatibility table. */
export const workers: Runtime = workerdRuntime("worker", "Workers", {
  date: WORKERD_DATE,
  objects: false,
}, workerGaps);

/** Plain Workers of an older compatibility date. */
export const workerVariants: readonly Runtime[] = [
  workerdRuntime("worker-2025", "Workers of 2025", { date: "2025-01-01", objects: false }, {
    ...workerGaps,
    "C8.refused-rst": noSignal,
    "C8.rst": noSignal,
    "I2.reason": noSignal,
    "L5.aborted": noSignal,
  }),
];
