import { closesOverUnread, type Gap, type Runtime } from "./native.ts";
import { WORKERD_DATE, workerdRuntime } from "../harness/processes/workerd.ts";

const WORKERD = "https://github.com/cloudflare/workerd";
const HIBERNATION = "https://developers.cloudflare.com/durable-objects/best-practices/websockets/";

const MANAGER = `${WORKERD}/blob/main/src/workerd/io/hibernation-manager.c++`;

/** Gap of the HTTP server of workerd (KJ), which handles requests before a Worker. */
export const answeredBefore = (reason: string): Gap => ({
  reason: `workerd ${reason}`,
  link: "https://github.com/capnproto/capnproto/blob/v2/c++/src/kj/compat/http.c++",
});

const noDurableControl: Gap = {
  reason: "workerd answers pings itself, cannot send one, and does not show control frames",
  link: HIBERNATION,
};

const noDurableEnd: Gap = {
  reason:
    "workerd does not show that a client answers pings, so only the option heartbeat ends silent clients",
  link: HIBERNATION,
};

const noDurableReset: Gap = {
  reason: "Durable Objects cannot cut a single connection: ctx.abort() cuts all of them",
  link: "https://developers.cloudflare.com/durable-objects/api/state/#abort",
};

const lineStays: Gap = {
  reason:
    "if the client never sent a message, workerd 2026-11 ends a closed connection only at garbage collection or eviction",
  link: MANAGER,
};

const noPause: Gap = {
  reason:
    "workerd cannot stop reading a WebSocket: messages arrive while an earlier handler is running",
  link: MANAGER,
};

const finUnheard = answeredBefore("treats a client that sent FIN as one that still listens");
const takesAnyText = answeredBefore("replaces invalid UTF-8 by U+FFFD");

export const ownEndpoint: Gap = {
  reason: "Durable Objects share no memory, so each has an endpoint of its own",
  link: "https://developers.cloudflare.com/durable-objects/concepts/what-are-durable-objects/",
};

const durableGaps: Readonly<Record<string, Gap>> = {
  "A1.endpoint": ownEndpoint,
  "A1.shared": ownEndpoint,
  "A2.refusals": answeredBefore("gives a Durable Object only handshakes by GET"),
  "B4.freed": noDurableReset,
  "C3.burst": noPause,
  "C3.patient": noPause,
  "C3.pause": noPause,
  "C4.late-reader": closesOverUnread("workerd's"),
  "C4.one-answer": answeredBefore("removes the header `Connection` from a response"),
  "C4.upgrade": answeredBefore("removes the header `Upgrade` from a response"),
  "C4.upgrade-list": answeredBefore("switches protocols only for `Upgrade: websocket`"),
  "C8.fin": finUnheard,
  "C8.refused-fin": finUnheard,
  "C10.empty-origin": answeredBefore("drops an empty `Origin` header"),
  "C13.ping": noDurableControl,
  "L1.above-64-mib": answeredBefore("accepts no message over 32 MiB"),
  "L1.fragment-flood": answeredBefore("collects the fragments of a message up to 32 MiB"),
  "L3.answers": noDurableControl,
  "L3.no-limit": noDurableControl,
  "L3.no-pings": noDurableEnd,
  "L3.ping": noDurableControl,
  "L3.sends": noDurableControl,
  "L3.silent": noDurableControl,
  "S6.compress": answeredBefore(
    "compresses every message of a connection that negotiated compression",
  ),
  "S7.hooks": noDurableControl,
  "S7.ping": noDurableControl,
  "X3.line": lineStays,
  "X4.wire": noDurableReset,
  "X5.cut": noDurableReset,
  "X6.a-long-ping": answeredBefore("answers a ping of more than 125 bytes like any other ping"),
  "X6.open-never-done": takesAnyText,
  "X6.text-that-is-not-UTF-8": takesAnyText,
  "X6.wire-inflated": answeredBefore("reports 1002 for data that does not inflate"),
  "X6.wire-text": takesAnyText,
};

const countersLost: Gap = {
  reason: "Durable Objects lose their counters at an eviction",
  link: HIBERNATION,
};

const resolvedAgain: Gap = {
  reason:
    "Durable Objects resolve the hooks again after an eviction, as functions do not survive it",
  link: HIBERNATION,
};

const cutByEviction: Gap = {
  reason:
    "at an eviction, Durable Objects cut a client that broke the protocol, and its unread bytes are lost",
  link: MANAGER,
};

export const noSignal: Gap = {
  reason: "without the flag enable_request_signal, workerd does not report that a client has left",
  link: "https://developers.cloudflare.com/workers/configuration/compatibility-flags/",
};

/** Durable Objects of the current compatibility date: a column of the compatibility table. */
export const durableObjects: Runtime = workerdRuntime(
  "durable",
  "Durable Objects",
  { date: WORKERD_DATE },
  durableGaps,
);

/** Durable Objects of an older compatibility date, and Durable Objects evicted in every pause. */
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
    { date: WORKERD_DATE, evicts: true },
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
