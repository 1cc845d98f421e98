/** `nats()` against the real client. `deno check` checks this file; no test runs it. */
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { nats, type NatsConnectionLike } from "../../sync/nats.ts";

nats({ servers: "nats://a.example:4222", prefix: "chat" });
nats({ servers: ["a.example", "tls://b.example"] as const, prefix: "chat", required: true });
nats({ connect, prefix: "chat" });
nats({
  servers: "a.example",
  connect: (options) => connect({ ...options, token: "secret" }),
  prefix: "chat",
});

export function fits(connection: NatsConnection): NatsConnectionLike {
  return connection;
}

// @ts-expect-error the prefix is missing
nats({ servers: "a.example" });
// @ts-expect-error a connection itself cannot be made again
nats({ connect: await connect(), prefix: "chat" });
// @ts-expect-error there is no such option
nats({ servers: "a.example", prefix: "chat", token: "secret" });
