import type { Case } from "../fixtures/case.ts";
import { adapters } from "./adapters.ts";
import { backpressure } from "./backpressure.ts";
import { broadcast } from "./broadcast.ts";
import { closing } from "./closing.ts";
import { closingHandshake } from "./closing_handshake.ts";
import { drain } from "./drain.ts";
import { errors } from "./errors.ts";
import { gathering } from "./gathering.ts";
import { handshake } from "./handshake.ts";
import { hookOptions } from "./hook_options.ts";
import { hibernation } from "./hibernation.ts";
import { historyCases } from "./history.ts";
import { identity } from "./identity.ts";
import { limits } from "./limits.ts";
import { messages } from "./messages.ts";
import { order } from "./order.ts";
import { presenceCases } from "./presence.ts";
import { pubsub } from "./pubsub.ts";
import { refusals } from "./refusals.ts";
import { security } from "./security.ts";
import { sending } from "./sending.ts";
import { slowBroadcast } from "./slow_broadcast.ts";
import { upgrade } from "./upgrade.ts";
import { userCases } from "./users.ts";

/** Cases of all runtimes, in the order of the contract. */
export const cases: readonly Case[] = [
  ...order,
  ...handshake,
  ...upgrade,
  ...hookOptions,
  ...refusals,
  ...identity,
  ...sending,
  ...gathering,
  ...pubsub,
  ...broadcast,
  ...slowBroadcast,
  ...backpressure,
  ...closing,
  ...closingHandshake,
  ...drain,
  ...errors,
  ...limits,
  ...messages,
  ...adapters,
  ...security,
  ...hibernation,
  ...historyCases,
  ...presenceCases,
  ...userCases,
];
