import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "../../../common/limits.ts";
import { Timers } from "../../../common/timers.ts";
import type { ConnectionOptions } from "../../../endpoint/connection_options.ts";
import { hostWith } from "../../../endpoint/connection_host.ts";
import { SettingsChooser } from "../../../endpoint/connection_settings.ts";
import { createEndpoint } from "../../../endpoint/endpoint.ts";
import type { EndpointOptions } from "../../../endpoint/options.ts";
import { FakeAdapter } from "../fake_adapter.ts";

const MIB = 1024 * 1024;

function chooser(options: EndpointOptions = {}): SettingsChooser {
  return new SettingsChooser(options, new Timers());
}

/** Settings for hooks with these options. */
function settings(options: EndpointOptions, hooks: ConnectionOptions) {
  return chooser(options).of(hooks, "hooks of resolve.");
}

Deno.test("SettingsChooser.of() returns the base for hooks without options", () => {
  const chosen = chooser({ limits: { maxPayload: 5 } });
  assert.equal(chosen.of({}, ""), chosen.base);
  assert.equal(chosen.of({ limits: undefined, trustProxy: undefined } as object, ""), chosen.base);
  assert.equal(chosen.base.limits.maxPayload, 5);
});

Deno.test("SettingsChooser.of() puts each option of hooks over that of the adapter", () => {
  const options = {
    limits: { maxPayload: 5, maxTopicLength: 6 },
    trustProxy: 2,
    allowedOrigins: "*",
  };
  const all = settings(options, {
    limits: { maxPayload: 7 },
    trustProxy: false,
    allowedOrigins: "https://a.example",
  });
  assert.deepEqual([all.limits.maxPayload, all.limits.maxTopicLength], [7, 6]);
  assert.deepEqual([all.trustedHops, all.allowedOrigins], [0, "https://a.example"]);
  const none = settings(options, { limits: { maxBuffered: 9 } });
  assert.deepEqual([none.trustedHops, none.allowedOrigins], [2, "*"]);
});

Deno.test("SettingsChooser.of() computes defaults from the limits of hooks and adapter together", () => {
  const { limits } = settings({ limits: { pendingBytes: 10 } }, {
    limits: { idleTimeout: 20_000, maxPayload: 3 * MIB },
  });
  assert.equal(limits.pingInterval, 10_000);
  assert.equal(limits.pendingBytes, 3 * MIB, "never below maxPayload");
  assert.equal(settings({}, { limits: { idleTimeout: 0 } }).limits.pingInterval, 25_000);
  assert.throws(
    () => settings({ limits: { pingInterval: 9000 } }, { limits: { idleTimeout: 8000 } }),
    {
      name: "RangeError",
      message: /pingInterval must not be over idleTimeout: 9000 > 8000/,
    },
  );
});

Deno.test("SettingsChooser.of() names the path of a wrong option", () => {
  const table: [ConnectionOptions, string, RegExp][] = [
    [
      { limits: 5 as never },
      "TypeError",
      /^Cannot use hooks of resolve\.limits as it must be an object/,
    ],
    [
      { limits: { maxPeers: 5 } as object },
      "TypeError",
      /^Cannot use hooks of resolve\.limits\.maxPeers .* belong to the adapter$/,
    ],
    [
      { limits: { maxPayload: 0 } },
      "RangeError",
      /^Cannot use hooks of resolve\.limits\.maxPayload/,
    ],
    [{ trustProxy: 1.5 }, "TypeError", /^Cannot use hooks of resolve\.trustProxy/],
    [{ allowedOrigins: "a.example" }, "TypeError", /^Cannot use hooks of resolve\.allowedOrigins/],
  ];
  for (const [hooks, name, message] of table) {
    assert.throws(() => settings({}, hooks), { name, message });
  }
});

Deno.test("SettingsChooser.mostPayload is 16 MiB if resolve may ask for more than the default", () => {
  const resolve = () => {};
  const table: [EndpointOptions, number][] = [
    [{}, MIB],
    [{ resolve }, 16 * MIB],
    [{ resolve, limits: { maxPayload: 5 } }, 5],
    [{ resolve, limits: { maxPayload: 50 * MIB } }, 50 * MIB],
    [{ resolve, hooks: { limits: { maxPayload: 6 } } }, 6],
    [{ hooks: { limits: { maxPayload: 6 } } }, 6],
    [{ resolve, limits: { maxPayload: undefined } as object }, 16 * MIB],
  ];
  for (const [options, expected] of table) assert.equal(chooser(options).mostPayload, expected);
});

Deno.test("hooks with the same times share a clock, however many objects resolve returns", () => {
  const chosen = chooser();
  const clock = () => chosen.of({ limits: { idleTimeout: 5000 } }, "").idle;
  assert.equal(clock(), clock());
  assert.notEqual(clock(), chosen.base.idle);
  assert.equal(chosen.of({ limits: { maxPayload: 9 } }, "").idle, chosen.base.idle);
  assert.equal(chosen.of({ limits: { idleTimeout: 0, pingInterval: 0 } }, "").idle, undefined);
});

Deno.test("connections with the same settings share the object of their services", () => {
  const { host } = createEndpoint().services;
  const own = host.settings.of({ limits: { maxPayload: 9 } }, "");
  assert.equal(hostWith(host, host.settings.base), host);
  assert.equal(hostWith(host, own), hostWith(host, own));
  assert.equal(hostWith(host, own).limits.maxPayload, 9);
  assert.equal(hostWith(host, own).counters, host.counters);
  const idleOnly = host.settings.of({ limits: { idleTimeout: 9000 } }, "");
  assert.equal(hostWith(host, idleOnly).idle, idleOnly.idle);
});

Deno.test("Endpoint.limits has the limits of the adapter's own hooks", () => {
  const { limits } = createEndpoint({
    limits: { maxPayload: 5 },
    hooks: { limits: { maxPayload: 6 } },
  });
  assert.deepEqual(limits, { ...DEFAULT_LIMITS, maxPayload: 6 });
});

Deno.test("a connection with a clock of its own leaves it at its end", async () => {
  const adapter = new FakeAdapter({ resolve: () => ({ limits: { idleTimeout: 30_000 } }) });
  const [socket] = await adapter.connect();
  assert.equal(adapter.stats.timers, socket.heartbeat ? 1 : 0);
  socket.closed({ code: 1000, reason: "", wasClean: true });
  await new Promise((go) => setTimeout(go));
  assert.equal(adapter.stats.timers, 0);
});
