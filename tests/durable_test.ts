import { durableCases } from "./cases/durable.ts";
import { cases } from "./cases/mod.ts";
import { registerCases } from "./harness/registration.ts";
import { runtimesOf } from "./harness/runtime_suites.ts";

const [current, ...variants] = runtimesOf.durable;
await registerCases(durableCases, {}, [current!]);
await registerCases([...cases, ...durableCases], { maxCaseMs: 6000 }, variants);
