import { cases } from "./cases/mod.ts";
import { workerCases } from "./cases/worker.ts";
import { registerCases } from "./harness/registration.ts";
import { runtimesOf } from "./harness/runtime_suites.ts";

const [current, ...variants] = runtimesOf.worker;
await registerCases(workerCases, {}, [current!]);
await registerCases([...cases, ...workerCases], {}, variants);
