import { cases } from "./cases/mod.ts";
import { registerCases } from "./harness/registration.ts";
import { writeReport } from "./harness/report.ts";

const outcomesOf = await registerCases(cases);

Deno.test("the report for the compatibility table is written", () =>
  writeReport("conformance", outcomesOf));
