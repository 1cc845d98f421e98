import { connect } from "@nats-io/transport-node";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { nats } from "../../../sync/nats.ts";
import type { BrokerClient, BrokerDriver, BrokerServer } from "../driver.ts";
import { freePort, hasCommand, ServerProcess } from "../server_process.ts";

const TOKEN = "secret";
/** Most subscriptions of a connection: more than any case needs but the one about this limit. */
const MAX_CHANNELS = 11_000;

/** NATS, with a token. */
export const natsDriver: BrokerDriver = {
  name: "nats",
  abilities: ["faults", "cut", "forge", "connections", "child", "port", "stall", "limit"],
  missing: async () => await hasCommand("nats-server") ? undefined : "nats-server",
  start,
  attach,
};

function attach(address: string): BrokerClient {
  return {
    sync: (cluster, { required = false, isUnauthorized = false, port } = {}) =>
      nats({
        servers: port === undefined ? address : `nats://127.0.0.1:${port}`,
        connect: (options) => connect({ ...options, token: isUnauthorized ? "wrong" : TOKEN }),
        prefix: cluster,
        required,
      }),
  };
}

async function start(): Promise<BrokerServer> {
  const port = await freePort(), monitor = await freePort(), address = `nats://127.0.0.1:${port}`;
  const folder = await mkdtemp(join(tmpdir(), "nats-"));
  const config = join(folder, "nats.conf"), pid = join(folder, "pid");
  const configure = (token: string) =>
    writeFile(
      config,
      `listen: "127.0.0.1:${port}"
       http: "127.0.0.1:${monitor}"
       pid_file: "${pid}"
       logfile: "${join(folder, "log")}"
       max_subscriptions: ${MAX_CHANNELS}
       authorization { token: "${token}" }`,
    );
  await configure(TOKEN);
  const server = await ServerProcess.start(["nats-server", "--config", config], port);
  const connections = async () => {
    const response = await fetch(`http://127.0.0.1:${monitor}/connz`);
    return (await response.json() as { num_connections: number }).num_connections;
  };
  const untilNone = async () => {
    while (await connections() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await untilNone(); // the connection that has shown that the server listens
  /** Changes the token. The server disconnects all clients with another one. */
  const reload = async (token: string) => {
    await configure(token);
    process.kill(Number(await readFile(pid, "utf8")), "SIGHUP");
  };
  return {
    ...attach(address),
    address,
    port,
    replacesStalled: true,
    maxChannels: MAX_CHANNELS,
    faults: {
      kill: () => server.kill(),
      restart: () => server.restart(),
      freeze: () => server.freeze(),
      thaw: () => server.thaw(),
      async cut() {
        await reload("another");
        await untilNone();
        await reload(TOKEN);
      },
    },
    async forge(cluster, channel, bytes) {
      const stranger = await connect({ servers: address, token: TOKEN });
      stranger.publish(`${cluster}.t.${channel}`, bytes);
      await stranger.flush();
      await stranger.close();
    },
    connections,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
