import assert from "node:assert/strict";
import { createEndpoint } from "../../../endpoint/endpoint.ts";
import { SettingsChooser } from "../../../endpoint/connection_settings.ts";
import { HookChooser } from "../../../endpoint/hook_chooser.ts";
import { Timers } from "../../../common/timers.ts";
import { ENDPOINT_OPTIONS, type EndpointOptions } from "../../../endpoint/options.ts";

Deno.test("createEndpoint() rejects unknown options, hooks and limits", () => {
  const table: [unknown, RegExp][] = [
    [{ hook: {} }, /^Cannot use hook as there is no such option: known are hooks, resolve, /],
    [{ perMessageDeflate: true }, /^Cannot use perMessageDeflate as there is no such option/],
    [{ hooks: { mesage() {} } }, /^Cannot use hooks\.mesage as there is no such hook/],
    [{ limits: { maxpayload: 1 } }, /^Cannot use limits\.maxpayload as there is no such limit/],
    [{ retainHeaders: ["user agent"] }, /^Cannot use retainHeaders as it must be a list/],
    [null, /^Cannot use the options as they must be an object: found null/],
    [{ limits: 5 }, /^Cannot use limits as it must be an object: found number/],
  ];
  for (const [options, message] of table) {
    assert.throws(() => createEndpoint(options as EndpointOptions), { name: "TypeError", message });
  }
});

Deno.test("createEndpoint() treats an undefined option as absent", () => {
  const names = [...ENDPOINT_OPTIONS, "unknown"];
  const options = Object.fromEntries(names.map((name) => [name, undefined]));
  assert.deepEqual(createEndpoint(options).limits, createEndpoint().limits);
  createEndpoint({ hooks: { message: undefined } as object, limits: { x: undefined } as object });
});

Deno.test("the upgrade result of resolved hooks overrides the global one, except by undefined", async () => {
  const global = { upgrade: () => ({ namespace: "/global", protocol: "a" }) };
  const chosen = { upgrade: () => ({ namespace: undefined, protocol: "b" }) as object };
  const settings = new SettingsChooser({}, new Timers());
  const { upgrade } = new HookChooser(global, settings).choose(chosen).hooks;
  const { namespace, protocol } = await upgrade!({} as never) as Record<string, unknown>;
  assert.deepEqual([namespace, protocol], ["/global", "b"]);
});
