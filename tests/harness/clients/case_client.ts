import { TimeLimit } from "../time_limit.ts";
import type { Stats } from "../../../common/stats.ts";
import type { ServerProcess } from "../processes/server_process.ts";
import { type Address, RawClient, type RawHandshakeOptions } from "./raw_client.ts";
import { RawEventStream } from "./raw_event_stream.ts";
import type { ConnectOptions, Transport } from "./connect_options.ts";
import { type Refused, TestSocket } from "./test_socket.ts";

/** One event in the log of the server half. */
export interface Logged {
  readonly event: string;
  // deno-lint-ignore no-explicit-any -- any value that the case's server half logs
  readonly data: any[];
}

const CONSOLE_ERROR = "console.error";

/** Counters of the server half, and its number of namespaces. */
export interface CaseServerStats extends Stats {
  readonly namespaces: number;
}

/** The client half of one running case: connects, controls the server half, and cleans up. */
export class CaseClient {
  readonly id: string;
  /** Port where the server half listens. */
  port = 0;
  /** The process that runs the server half. */
  readonly server: ServerProcess;
  /** Whether the case needs a WebSocket handshake, which the transport does not have. */
  lacksLine = false;
  readonly #opened: { terminate(): void }[] = [];
  readonly #transport: Transport;

  constructor(server: ServerProcess, id: string, transport: Transport = "websocket") {
    this.server = server;
    this.id = id;
    this.#transport = transport;
  }

  /** Returns the path of this case, or a path below. */
  path(below = ""): string {
    return `/${this.id}${below}`;
  }

  url(below = ""): string {
    return `ws://127.0.0.1:${this.port}${this.path(below)}`;
  }

  /** Opens a WebSocket, or the equivalent of the transport. */
  connect(
    below = "",
    options: ConnectOptions = {},
    transport: Transport = this.#transport,
  ): Promise<TestSocket> {
    const socket = new TestSocket(this.url(below), options, transport);
    this.#opened.push(socket);
    const opened = socket.opened();
    opened.catch(() => {}); // a failed case does not await this promise
    return opened;
  }

  /** Opens a WebSocket that must be refused. */
  async refused(below = "", options: ConnectOptions = {}): Promise<Refused> {
    try {
      await this.connect(below, options);
    } catch (refused) {
      if ((refused as Refused).status) return refused as Refused;
      throw refused;
    }
    throw new Error("expected a refusal, but the handshake was accepted");
  }

  /** Opens a stream of events, with every request written by hand. */
  async eventStream(headers: Record<string, string> = {}, below = ""): Promise<RawEventStream> {
    const url = `http://127.0.0.1:${this.port}${this.path(below)}`;
    const stream = await RawEventStream.open(url, headers);
    this.#opened.push(stream);
    return stream;
  }

  /** Opens a TCP connection to the server or to a relay, and writes nothing. */
  async tcp(to: Address = { port: this.port, host: "127.0.0.1" }): Promise<RawClient> {
    const raw = await RawClient.connect(to);
    this.#opened.push({ terminate: () => raw.destroy() });
    return raw;
  }

  /** Opens a TCP connection, and writes a handshake without reading the response. */
  async raw(options: RawHandshakeOptions = {}): Promise<RawClient> {
    if (this.#transport !== "websocket") {
      this.lacksLine = true;
      throw new Error("the case writes a WebSocket handshake, which this transport does not have");
    }
    const raw = await this.tcp();
    raw.handshake({ target: this.path(), ...options });
    return raw;
  }

  /** Opens a TCP connection, and upgrades it. */
  async upgraded(options: RawHandshakeOptions = {}): Promise<RawClient> {
    const raw = await this.raw(options);
    const { status } = await raw.head();
    if (status !== 101) throw new Error(`expected 101, got ${status}`);
    return raw;
  }

  /** Returns the log of `event`, once the server half has logged it `count` times. */
  async logged(event: string, count = 1, ms = 2000): Promise<Logged[]> {
    const limit = new TimeLimit(ms);
    let entries: Logged[], found: Logged[];
    do {
      entries = await this.#control<Logged[]>("log", { event, count, ms: limit.left });
      found = entries.filter((entry) => entry.event === event);
    } while (found.length < count && !limit.isOver);
    if (found.length < count) {
      throw new Error(
        `expected ${count} × ${event} in the server's log, got ${
          JSON.stringify(entries).slice(0, 600)
        }`,
      );
    }
    return found;
  }

  /** Returns all events after `ms`, without output of the console. */
  async log(ms = 0): Promise<Logged[]> {
    if (ms > 0) await sleep(ms);
    const entries = await this.#control<Logged[]>("log", {});
    return entries.filter(({ event }) => event !== CONSOLE_ERROR);
  }

  /** Returns the names of all events after `ms`. */
  async events(ms = 0): Promise<string[]> {
    return (await this.log(ms)).map(({ event }) => event);
  }

  /** Returns the errors on the server's console that contain `token`, after `ms`. */
  async consoleErrors(token: string, ms: number): Promise<string[]> {
    await sleep(ms);
    const entries = await this.#control<Logged[]>("log", {});
    return entries.filter(({ event }) => event === CONSOLE_ERROR)
      .map(({ data }) => String(data[0])).filter((text) => text.includes(token));
  }

  /** Releases the server half from its wait for `name`. */
  release(name: string): Promise<void> {
    return this.#control("release", { name });
  }

  /** Runs a command of the server half. */
  command<T>(command: string, argument: unknown = null): Promise<T> {
    return this.#control<T>("do", { command }, JSON.stringify(argument));
  }

  /** Evicts the server half from memory, on runtimes that evict. */
  evict(): Promise<void> {
    return this.#control("evict", {});
  }

  stats(): Promise<CaseServerStats> {
    return this.#control<CaseServerStats>("stats", {});
  }

  /** Returns the statistics as soon as they meet a condition, or the last ones after 2 s. */
  async statsUntil(isMet: (stats: CaseServerStats) => boolean): Promise<CaseServerStats> {
    const limit = new TimeLimit(2000);
    let stats: CaseServerStats;
    while (!isMet(stats = await this.stats()) && !limit.isOver) await sleep(10);
    return stats;
  }

  /** Starts the server half of a case. */
  async open(caseId: string): Promise<void> {
    this.port = await this.#control("open", { case: caseId });
  }

  /**
   * Ends all clients, and checks that the server kept no peer, topic, timer or namespace.
   *
   * @param maxMs milliseconds in which the server must notice that the clients have left.
   */
  async close(maxMs = 2500): Promise<void> {
    for (const connection of this.#opened) connection.terminate();
    let left: CaseServerStats | undefined;
    const limit = new TimeLimit(maxMs);
    do {
      left = await this.stats();
      if (left.peers + left.topics + left.timers + left.namespaces === 0) break;
      await sleep(25);
    } while (!limit.isOver);
    await this.#control("close", {});
    if (left!.peers + left!.topics + left!.timers + left!.namespaces > 0) {
      throw new Error(`the server kept resources: ${JSON.stringify(left)}`);
    }
  }

  async #control<T>(
    verb: string,
    query: Record<string, string | number>,
    body?: string,
  ): Promise<T> {
    const search = new URLSearchParams({ id: this.id });
    for (const [name, value] of Object.entries(query)) search.set(name, String(value));
    const response = await fetch(`http://127.0.0.1:${this.server.port}/${verb}?${search}`, {
      method: "POST",
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the server half failed: ${text}`);
    return JSON.parse(text);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
