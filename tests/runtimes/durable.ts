import { closesOverUnread, type Gap, type Runtime } from "./native.ts";
import { workerdRuntime } from "../harness/processes/workerd.ts";

const WORKERD = "https://github.com/cloudflare/workerd";
const HIBERNATION = "https://developers.cloudflare.com/durable-objects/best-practices/websockets/";

const MANAGER = `${WORKERD}/blob/main/src/workerd/io/hibernation-manager.c++`;

/** The HTTP server of workerd, which is KJ's, is in front of what a Worker sees. */
export const answeredBefore = (reason: string): Gap => ({
  reason: `workerd ${reason}`,
  link: "https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.c++",
});

const noDurableControl: Gap = {
  reason: "workerd answers pings by itself, sends none, and shows no control frames",
  link: HIBERNATION,
};

const noDurableReset: Gap = {
  reason: "A Durable Object has no way to drop one line: ctx.abort() drops them all",
  link: "https://developers.cloudflare.com/durable-objects/api/state/#abort",
};

const lineStays: Gap = {
  reason:
    "After a close of ours, workerd 2026-11 ends the line of a client that had sent no message only once the socket is garbage-collected, or its object evicted",
  link: MANAGER,
};

const noPause: Gap = {
  reason:
    "workerd can't stop reading a WebSocket: the next message comes while the handler of the last is at work",
  link: MANAGER,
};

const finUnheard = answeredBefore("takes a FIN for a client that still listens");
const takesAnyText = answeredBefore("puts U+FFFD in place of what is not UTF-8");

export const ownEndpoint: Gap = {
  reason: "Each Durable Object has an endpoint of its own: objects share no memory",
  link: "https://developers.cloudflare.com/durable-objects/concepts/what-are-durable-objects/",
};

const durableGaps: Readonly<Record<string, Gap>> = {
  "A1.endpoint": ownEndpoint,
  "A1.shared": ownEndpoint,
  "A2.refusals": answeredBefore("hands no Durable Object a handshake that is no GET"),
  "B4.freed": noDurableReset,
  "C3.burst": noPause,
  "C3.patient": noPause,
  "C3.pause": noPause,
  "C4.late-reader": closesOverUnread("workerd's"),
  "C4.upgrade": answeredBefore("takes the header `Upgrade` out of a response"),
  "C4.upgrade-list": answeredBefore("switches protocols only for `Upgrade: websocket`"),
  "C8.fin": finUnheard,
  "C8.refused-fin": finUnheard,
  "C10.empty-origin": answeredBefore("drops the header `Origin` where it is empty"),
  "L1.above-64-mib": answeredBefore("takes no message over 32 MiB"),
  "L1.fragment-flood": answeredBefore("gathers the fragments of a message up to 32 MiB"),
  "L3.answers": noDurableControl,
  "L3.silent": noDurableControl,
  "S6.compress": answeredBefore("compresses every message where that was negotiated"),
  "S7.hooks": noDurableControl,
  "S7.ping": noDurableControl,
  "X3.line": lineStays,
  "X4.wire": noDurableReset,
  "X5.cut": noDurableReset,
  "X6.a-long-ping": answeredBefore("answers a ping of more than 125 bytes as any other"),
  "X6.open-never-done": takesAnyText,
  "X6.text-that-is-not-UTF-8": takesAnyText,
  "X6.wire-inflated": answeredBefore("says 1002 of what does not inflate"),
  "X6.wire-text": takesAnyText,
};

const countersLost: Gap = {
  reason: "Counters are those of the object's life in memory",
  link: HIBERNATION,
};

const resolvedAgain: Gap = {
  reason: "Hooks are resolved once per life of the object, as functions do not outlive it",
  link: HIBERNATION,
};

const cutByEviction: Gap = {
  reason:
    "An eviction drops the line of a client that broke the protocol, and what it has not read",
  link: MANAGER,
};

export const noSignal: Gap = {
  reason: "Without the flag enable_request_signal, workerd does not say that a client has left",
  link: "https://developers.cloudflare.com/workers/configuration/compatibility-flags/",
};

/** Durable Objects, as they are now: a column of the compatibility table. */
export const durableObjects: Runtime = workerdRuntime(
  "durable",
  "Durable Objects",
  { date: "2026-11-17" },
  durableGaps,
);

/** Durable Objects as they were, and as they are at their worst. */
export const durableVariants: readonly Runtime[] = [
  workerdRuntime("durable-2025", "Durable Objects of 2025", { date: "2025-01-01" }, {
    ...durableGaps,
    "C8.refused-rst": noSignal,
    "C8.rst": noSignal,
    "I2.reason": noSignal,
    "L5.aborted": noSignal,
  }),
  workerdRuntime(
    "durable-evicted",
    "Durable Objects, evicted in every pause",
    { date: "2026-11-17", evicts: true },
    {
      ...Object.fromEntries(
        Object.entries(durableGaps).filter(([, gap]) => gap !== lineStays),
      ),
      "A2.stats": countersLost,
      "C12.both": resolvedAgain,
      "X4.backlog": countersLost,
      "X6.wire-late": cutByEviction,
    },
  ),
];
