import assert from "node:assert/strict";
import { checkCallOptions, checkNames, givenOptions } from "../../../common/option_names.ts";

Deno.test("checkNames() accepts known names, and any name whose value is undefined", () => {
  checkNames({}, ["port"]);
  checkNames({ port: 1, host: undefined }, ["port"]);
});

Deno.test("checkNames() names the unknown option and all known ones", () => {
  assert.throws(() => checkNames({ prot: 1 }, ["port", "tls"]), {
    name: "TypeError",
    message: "Cannot use prot as there is no such option: known are port, tls",
  });
  assert.throws(
    () => checkNames({ x: 1 }, ["open"], { kind: "hook", path: "hooks.", advice: "; see docs" }),
    { message: "Cannot use hooks.x as there is no such hook: known are open; see docs" },
  );
});

Deno.test("checkNames() names the type that it found instead of an object", () => {
  const table: [unknown, string][] = [
    [null, "null"],
    [[], "array"],
    [undefined, "undefined"],
    ["x", "string"],
    [() => {}, "function"],
  ];
  for (const [found, word] of table) {
    assert.throws(() => checkNames(found, [], { path: "limits.", kind: "limit" }), {
      name: "TypeError",
      message: `Cannot use limits as it must be an object: found ${word}`,
    });
  }
  assert.throws(() => checkNames(1, []), {
    message: "Cannot use the options as they must be an object: found number",
  });
});

Deno.test("checkCallOptions() accepts no options, and refuses what checkNames() refuses", () => {
  for (const options of [undefined, {}, { echo: true }, { ecco: undefined }]) {
    checkCallOptions(options, ["echo"]);
  }
  for (const options of [null, "x", true, () => {}]) {
    assert.throws(() => checkCallOptions(options, ["echo"]), /must be an object: found /);
  }
  assert.throws(() => checkCallOptions({ echo: true, ecco: true }, ["echo"]), {
    name: "TypeError",
    message: "Cannot use ecco as there is no such option: known are echo",
  });
});

Deno.test("givenOptions() omits undefined options, and keeps null, false and 0", () => {
  const given = { a: undefined, b: null, c: false, d: 0 };
  assert.deepEqual(givenOptions(given), { b: null, c: false, d: 0 });
});
