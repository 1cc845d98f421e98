import { connect } from "@nats-io/transport-node";
import { nats } from "../../../sync/nats.ts";
import type { BrokerDriver, BrokerServer } from "../driver.ts";
import { freePort, hasCommand, ServerProcess } from "../server_process.ts";

const TOKEN = "secret";

/** NATS, with a token. */
export const natsDriver: BrokerDriver = {
  name: "nats",
  missing: async () => await hasCommand("nats-server") ? undefined : "nats-server",
  start,
};

async function start(): Promise<BrokerServer> {
  const port = await freePort();
  const process = await ServerProcess.start([
    "nats-server",
    ...["--addr", "127.0.0.1", "--port", `${port}`, "--auth", TOKEN, "--log", "/dev/null"],
  ], port);
  return {
    sync: (cluster, { required = false } = {}) =>
      nats({
        servers: `nats://127.0.0.1:${port}`,
        connect: (options) => connect({ ...options, token: TOKEN }),
        prefix: cluster,
        required,
      }),
    faults: {
      kill: () => process.kill(),
      restart: () => process.restart(),
      freeze: () => process.freeze(),
      thaw: () => process.thaw(),
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
