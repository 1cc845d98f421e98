import { cases } from "./cases/mod.ts";
import { registerCases } from "./register.ts";
import { writeReport } from "./report.ts";

const outcomesOf = await registerCases(cases);

Deno.test("the report for the compatibility table is written", () =>
  writeReport("conformance", outcomesOf));
