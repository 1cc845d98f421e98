import { closesOverUnread, type Gap, type Runtime } from "./runtimes.ts";
import { workerdCommand, type WorkerdOptions } from "./workerd.ts";

const WORKERD = "https://github.com/cloudflare/workerd";
const HIBERNATION = "https://developers.cloudflare.com/durable-objects/best-practices/websockets/";

/** The HTTP server of workerd is in front of what a Worker sees. */
const answeredBefore = (reason: string): Gap => ({ reason: `workerd ${reason}`, link: WORKERD });

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
    "workerd 2026-11 keeps a line open after the closing handshake that we began, until the object is evicted, if the client had sent no message",
  link: WORKERD,
};

const noPause: Gap = {
  reason: "A Durable Object can't stop reading a WebSocket",
  link: HIBERNATION,
};

const finUnheard = answeredBefore("takes a FIN for a client that still listens");
const takesAnyText = answeredBefore("puts U+FFFD in place of what is not UTF-8");

const ownEndpoint: Gap = {
  reason: "Each Durable Object has an endpoint of its own: objects share no memory",
  link: "https://developers.cloudflare.com/durable-objects/concepts/what-are-durable-objects/",
};

const durableGaps: Readonly<Record<string, Gap>> = {
  "A1.endpoint": ownEndpoint,
  "A1.shared": ownEndpoint,
  "A2.stats": {
    reason: "A handshake by POST reaches no Durable Object, and so is not among its refusals",
    link: WORKERD,
  },
  "B4.freed": noDurableReset,
  "C3.burst": noPause,
  "C3.patient": noPause,
  "C3.pause": noPause,
  "C4.descriptors": answeredBefore("shows a Worker no descriptors of its process"),
  "C4.late-reader": closesOverUnread("workerd's"),
  "C4.upgrade": answeredBefore("takes the header `Upgrade` out of a response"),
  "C4.upgrade-list": answeredBefore("switches protocols only for `Upgrade: websocket`"),
  "C8.fin": finUnheard,
  "C8.refused": finUnheard,
  "C10.empty-origin": answeredBefore("drops the header `Origin` where it is empty"),
  "E2.open": lineStays,
  "I2.reason": finUnheard,
  "I6.own": lineStays,
  "L1.above-64-mib": answeredBefore("takes no message over 32 MiB"),
  "L1.fragment-flood": answeredBefore("gathers the fragments of a message up to 32 MiB"),
  "L3.answers": noDurableControl,
  "L3.silent": noDurableControl,
  "P9.close": lineStays,
  "P9.gone": lineStays,
  "S6.compress": answeredBefore("compresses every message where that was negotiated"),
  "S7.answered": noDurableControl,
  "S7.hooks": noDurableControl,
  "S7.ping": noDurableControl,
  "X1.sends-first": lineStays,
  "X4.wire": noDurableReset,
  "X5.cut": noDurableReset,
  "X6.a-long-ping": answeredBefore("answers a ping of more than 125 bytes as any other"),
  "X6.open-never-done": takesAnyText,
  "X6.text-that-is-not-UTF-8": takesAnyText,
  "X6.wire": answeredBefore("ends the line after some protocol errors without a close frame"),
  "X6.wire-inflated": answeredBefore("says 1002 of what does not inflate"),
  "X6.wire-late": takesAnyText,
  "X7.accepted": lineStays,
  "X7.arguments": lineStays,
  "X7.close": lineStays,
  "X7.jitter": lineStays,
  "X7.repeat": lineStays,
  "X8.close": lineStays,
  "X8.force": lineStays,
};

const countersLost: Gap = {
  reason: "Counters are those of the object's life in memory",
  link: HIBERNATION,
};

export const noSignal: Gap = {
  reason: "Without the flag enable_request_signal, workerd does not say that a client has left",
  link: "https://developers.cloudflare.com/workers/configuration/compatibility-flags/",
};

/** Durable Objects, as they are now: a column of the compatibility table. */
export const durableObjects: Runtime = durable(
  "durable",
  "Durable Objects",
  { date: "2026-11-17" },
  durableGaps,
);

/** Durable Objects as they were, and as they are at their worst. */
export const durableVariants: readonly Runtime[] = [
  durable("durable-2025", "Durable Objects of 2025", { date: "2025-01-01" }, {
    ...durableGaps,
    "C8.rst": noSignal,
    "L5.aborted": noSignal,
  }),
  durable(
    "durable-evicted",
    "Durable Objects, evicted after each message",
    { date: "2026-11-17", evicts: true },
    {
      ...Object.fromEntries(
        Object.entries(durableGaps).filter(([id, gap]) => gap !== lineStays || id === "X7.jitter"),
      ),
      "X4.backlog": countersLost,
    },
  ),
];

function durable(
  name: string,
  title: string,
  options: WorkerdOptions,
  gaps: Readonly<Record<string, Gap>>,
): Runtime {
  return {
    name,
    title,
    async command() {
      return await workerdCommand(name, options) ?? { missing: "workerd for Linux on x64" };
    },
    gaps,
  };
}
