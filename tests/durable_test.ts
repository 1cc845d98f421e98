import { durableCases } from "./cases/durable.ts";
import { cases } from "./cases/mod.ts";
import { durableObjects, durableVariants } from "./runtimes/durable.ts";
import { registerCases } from "./harness/registration.ts";

await registerCases(durableCases, {}, [durableObjects]);
await registerCases([...cases, ...durableCases], { maxCaseMs: 6000 }, durableVariants);
