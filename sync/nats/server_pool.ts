import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Port of a server whose address has none. */
const DEFAULT_PORT = 4222;
/** Milliseconds that a server has for its greeting. */
const MAX_GREETING = 1000;
/** Milliseconds until the next server is asked too, if the one before has not yet greeted. */
const STAGGER = 50;

/** Address of a server. */
interface Address {
  readonly host: string;
  readonly port: number;
  /** Whether the server may wait for a TLS handshake, instead of greeting. */
  readonly isTls: boolean;
}

/**
 * The servers of one NATS cluster. Chooses one that answers.
 *
 * `@nats-io/transport-node` 3.4 keeps the socket of an attempt that has timed out: a stopped
 * server, whose kernel accepts connections, would collect sockets that keep the process alive. So
 * the client connects only to a server that has sent its greeting a moment before.
 */
export class ServerPool {
  readonly #seeds: readonly string[];
  /** Further servers of the cluster. */
  #known: readonly string[] = [];

  /**
   * @param seeds addresses such as `nats://host:4222`.
   * @throws {TypeError} for an address that is wrong.
   */
  constructor(seeds: readonly string[]) {
    for (const seed of seeds) addressOf(seed);
    this.#seeds = seeds;
  }

  /** Takes the addresses of the cluster, as a server has told them. */
  learn(addresses: readonly string[] = []): void {
    this.#known = addresses.filter((address) => !this.#seeds.includes(address));
  }

  /** Returns a server that answers. Rejects with the failure of the first one if none does. */
  async choose(signal: AbortSignal): Promise<string> {
    const servers = [...shuffled(this.#seeds), ...shuffled(this.#known)];
    const chosen = new AbortController(), any = AbortSignal.any([signal, chosen.signal]);
    try {
      return await Promise.any(servers.map(async (server, i) => {
        await sleep(i * STAGGER, undefined, { signal: any });
        await greeting(addressOf(server), any);
        return server;
      }));
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    } finally {
      chosen.abort();
    }
  }
}

function addressOf(server: string): Address {
  const url = server.includes("://") ? server : `nats://${server}`;
  const { protocol, hostname, port, username, password } = URL.canParse(url)
    ? new URL(url)
    : new URL("wrong:");
  // A password in an address has no effect, and is not shown in the error.
  if (username || password) {
    throw new TypeError(
      "Cannot use servers with a user, token or password as @nats-io ignores them: " +
        "pass connect: (options) => connect({ ...options, user, pass })",
    );
  }
  if (!/^(?:nats|tls):$/.test(protocol) || hostname === "") {
    throw new TypeError(
      `Cannot use servers as each must be like nats://host:${DEFAULT_PORT}: ` +
        `found ${JSON.stringify(server)}`,
    );
  }
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? DEFAULT_PORT : Number(port),
    isTls: protocol === "tls:",
  };
}

/** Resolves when a server has sent its first bytes. */
async function greeting({ host, port, isTls }: Address, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port });
  const timer = setTimeout(() => {
    socket.destroy(new Error(`the NATS server ${host}:${port} does not answer`));
  }, MAX_GREETING);
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(isTls ? "connect" : "data", () => resolve());
      socket.on("error", reject);
      socket.once("close", () => {
        reject(new Error(`the NATS server ${host}:${port} has ended the connection`));
      });
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

/** Returns the items in random order, so that the nodes spread over all servers. */
function shuffled(items: readonly string[]): string[] {
  return items.map((item) => [Math.random(), item] as const).sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
