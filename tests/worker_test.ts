import { workerCases } from "./cases/worker.ts";
import { cases } from "./cases/mod.ts";
import { registerCases } from "./register.ts";
import { workers, workerVariants } from "./worker_runtimes.ts";

await registerCases(workerCases, {}, [workers]);
await registerCases([...cases, ...workerCases], {}, workerVariants);
