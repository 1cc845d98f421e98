import assert from "node:assert/strict";
import {
  getWebSocketHooks,
  kWebSocketHooks,
  setWebSocketHooks,
} from "../../../endpoint/framework_hooks.ts";

const hooks = { open() {} };
const given = (extra: object = {}): Request =>
  Object.assign(new Request("http://localhost/"), extra);

Deno.test("setWebSocketHooks() stores hooks on the request and in its context", () => {
  const context: Record<PropertyKey, unknown> = { user: "ann" };
  const request = given({ context });
  setWebSocketHooks(request, hooks);
  assert.equal(getWebSocketHooks(request), hooks);
  assert.equal(context[kWebSocketHooks], hooks);
});

Deno.test("getWebSocketHooks() finds hooks in the context of a copied request", () => {
  const first = given({ context: {} });
  setWebSocketHooks(first, hooks);
  const { context } = first as unknown as { context: object };
  assert.equal(getWebSocketHooks(given({ context })), hooks);
  assert.equal(getWebSocketHooks(given()), undefined);
});

Deno.test("setWebSocketHooks() does not throw for a frozen request, and skips a frozen context", () => {
  const frozen = Object.freeze(given());
  setWebSocketHooks(frozen, hooks);
  assert.equal(getWebSocketHooks(frozen), undefined);
  const request = given({ context: Object.freeze({}) });
  setWebSocketHooks(request, hooks);
  assert.equal(getWebSocketHooks(request), hooks);
});

Deno.test("kWebSocketHooks is the symbol that frameworks use without an import", () => {
  const request = given({ [Symbol.for("crossws.hooks")]: hooks });
  assert.equal(getWebSocketHooks(request), hooks);
  assert.equal(kWebSocketHooks, Symbol.for("crossws.hooks"));
});
