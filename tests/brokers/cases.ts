import type { BrokerCase } from "./case.ts";
import { closeCases } from "./cases/closing.ts";
import { clusterCases } from "./cases/cluster.ts";
import { deliveryCases } from "./cases/delivery.ts";
import { faultCases } from "./cases/faults.ts";
import { historyCases } from "./cases/history.ts";
import { loadCases } from "./cases/load.ts";
import { refusalCases } from "./cases/refusals.ts";

/** Cases that every broker passes. */
export const brokerCases: readonly BrokerCase[] = [
  ...deliveryCases,
  ...loadCases,
  ...faultCases,
  ...refusalCases,
  ...historyCases,
  ...clusterCases,
  ...closeCases,
];
