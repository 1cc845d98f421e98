import assert from "node:assert/strict";
import { hookError, invalidOption, PeerError } from "../../../common/errors.ts";

Deno.test("PeerError is an Error with a stable code, a name and its cause", () => {
  const cause = new Error("why");
  const error = new PeerError("ERR_PEER_TOO_LARGE", "too large", { cause });
  assert.ok(error instanceof Error);
  assert.ok(error instanceof PeerError);
  assert.deepEqual(
    [error.name, error.code, error.message, error.cause],
    ["PeerError", "ERR_PEER_TOO_LARGE", "too large", cause],
  );
  assert.equal(String(error), "PeerError: too large");
  assert.equal(new PeerError("ERR_PEER_HOOK", "x").cause, undefined);
});

Deno.test("invalidOption() quotes a string, and names the type of an object", () => {
  const table: [found: unknown, text: string][] = [
    ["5", '"5"'],
    ["", '""'],
    [5, "5"],
    [null, "null"],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [{ secret: 1 }, "of type Object"],
    [Object.create(null), "of type Object"],
    [[1, 2], "of type Array"],
    [() => "secret", "of type Function"],
    [Promise.resolve(), "of type Promise"],
  ];
  for (const [found, text] of table) {
    assert.equal(
      invalidOption("port", "a number", found),
      `Cannot use port as it must be a number: current value is ${text}`,
    );
  }
});

Deno.test("hookError() returns the same Error, with the name of the hook", () => {
  for (const thrown of [new Error("e"), new TypeError("t"), new PeerError("ERR_PEER_HOOK", "p")]) {
    const error = hookError("message", thrown);
    assert.equal(error, thrown);
    assert.equal(error.hook, "message");
    assert.ok(!Object.keys(error).includes("hook"), "the property hook is enumerable");
  }
});

Deno.test("hookError() names the last hook if two hooks throw the same error", () => {
  const error = new Error("again");
  hookError("open", error);
  assert.equal(hookError("close", error).hook, "close");
});

Deno.test("hookError() wraps a value that is not an Error, as the cause", () => {
  const thrown = [undefined, null, "text", 0, Symbol("s"), {}, () => {}, Object.create(null), 1n];
  for (const value of thrown) {
    const error = hookError("drain", value);
    assert.equal(error.hook, "drain");
    assert.ok(error instanceof PeerError);
    assert.equal(error.code, "ERR_PEER_HOOK");
    assert.equal(error.cause, value);
    assert.equal(error.message, "The drain hook threw a value that is not an Error");
  }
});

Deno.test("hookError() wraps an Error that is not extensible", () => {
  const frozen = Object.freeze(new RangeError("frozen"));
  const sealed = Object.seal(new RangeError("sealed"));
  for (const thrown of [frozen, sealed, Object.preventExtensions(new RangeError("fixed"))]) {
    const error = hookError("open", thrown);
    assert.deepEqual([error.hook, error.cause, error.message], ["open", thrown, thrown.message]);
  }
});

Deno.test("hookError() wraps an Error with a read-only hook property", () => {
  const thrown = Object.defineProperty(new Error("mine"), "hook", { value: "git" });
  const error = hookError("open", thrown);
  assert.deepEqual([error.hook, error.cause, error.message], ["open", thrown, "mine"]);
});
