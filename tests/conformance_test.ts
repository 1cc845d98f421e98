import { cases } from "./cases/mod.ts";
import { registerCases } from "./harness/registration.ts";
import { writeReport } from "./harness/report.ts";
import { runtimesOf } from "./harness/runtime_suites.ts";

const outcomesOf = await registerCases(cases, {}, runtimesOf.conformance);

Deno.test.afterAll(() => writeReport("conformance", outcomesOf));
