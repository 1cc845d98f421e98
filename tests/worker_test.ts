import { workerCases } from "./cases/worker.ts";
import { cases } from "./cases/mod.ts";
import { registerCases } from "./harness/registration.ts";
import { workers, workerVariants } from "./runtimes/workers.ts";

await registerCases(workerCases, {}, [workers]);
await registerCases([...cases, ...workerCases], {}, workerVariants);
