import { TimeLimit } from "../time_limit.ts";
import type { Stats } from "../../../common/stats.ts";
import type { ServerProcess } from "../processes/server_process.ts";
import { type Address, RawClient, type RawHandshakeOptions } from "./raw_client.ts";
import { RawEventStream } from "./raw_event_stream.ts";
import type { ConnectOptions, Transport } from "./connect_options.ts";
import { type Refused, TestSocket } from "./test_socket.ts";

/** One thing that the server half logged. */
export interface Logged {
  readonly event: string;
  // deno-lint-ignore no-explicit-any -- whatever the case's server half logged
  readonly data: any[];
}

const CONSOLE_ERROR = "console.error";

/** Counters of the server half, and how many namespaces it holds. */
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
  /** Whether the case has asked for the bytes of a WebSocket where there are none. */
  lacksLine = false;
  readonly #opened: { terminate(): void }[] = [];
  readonly #transport: Transport;

  constructor(server: ServerProcess, id: string, transport: Transport = "websocket") {
    this.server = server;
    this.id = id;
    this.#transport = transport;
  }

  /** Path of this case, or one below it. */
  path(below = ""): string {
    return `/${this.id}${below}`;
  }

  url(below = ""): string {
    return `ws://127.0.0.1:${this.port}${this.path(below)}`;
  }

  /** Opens a WebSocket, or what stands for one on this runtime. */
  connect(
    below = "",
    options: ConnectOptions = {},
    transport: Transport = this.#transport,
  ): Promise<TestSocket> {
    const socket = new TestSocket(this.url(below), options, transport);
    this.#opened.push(socket);
    const opened = socket.opened();
    opened.catch(() => {}); // a case that fails leaves it behind
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
    throw new Error("expected a refusal, and the handshake was accepted");
  }

  /** A stream of events, with every request written by hand. */
  async eventStream(headers: Record<string, string> = {}, below = ""): Promise<RawEventStream> {
    const url = `http://127.0.0.1:${this.port}${this.path(below)}`;
    const stream = await RawEventStream.open(url, headers);
    this.#opened.push(stream);
    return stream;
  }

  /** A TCP line, or one to a relay that leads here; nothing is written yet. */
  async tcp(to: Address = { port: this.port, host: "127.0.0.1" }): Promise<RawClient> {
    const raw = await RawClient.connect(to);
    this.#opened.push({ terminate: () => raw.destroy() });
    return raw;
  }

  /** A TCP line with a handshake written, its response not yet read. */
  async raw(options: RawHandshakeOptions = {}): Promise<RawClient> {
    if (this.#transport !== "websocket") {
      this.lacksLine = true;
      throw new Error("the case speaks RFC 6455 by hand, and this runtime does not");
    }
    const raw = await this.tcp();
    raw.handshake({ target: this.path(), ...options });
    return raw;
  }

  /** A TCP line that is upgraded. */
  async upgraded(options: RawHandshakeOptions = {}): Promise<RawClient> {
    const raw = await this.raw(options);
    const { status } = await raw.head();
    if (status !== 101) throw new Error(`expected 101, got ${status}`);
    return raw;
  }

  /** All that the server half logged, once `event` has been logged `count` times. */
  async logged(event: string, count = 1, ms = 2000): Promise<Logged[]> {
    const limit = new TimeLimit(ms);
    let entries: Logged[], found: Logged[];
    do {
      entries = await this.#control<Logged[]>("log", { event, count, ms: limit.left });
      found = entries.filter((entry) => entry.event === event);
    } while (found.length < count && !limit.isOver);
    if (found.length < count) {
      throw new Error(
        `expected ${count} × ${event} in the server's log; it has ${
          JSON.stringify(entries).slice(0, 600)
        }`,
      );
    }
    return found;
  }

  /** All events so far, after `ms` for more to come; less what the console said. */
  async log(ms = 0): Promise<Logged[]> {
    if (ms > 0) await sleep(ms);
    const entries = await this.#control<Logged[]>("log", {});
    return entries.filter(({ event }) => event !== CONSOLE_ERROR);
  }

  /** Names of all events so far, after `ms` for more to come. */
  async events(ms = 0): Promise<string[]> {
    return (await this.log(ms)).map(({ event }) => event);
  }

  /** What the server's console said with `token` in it, in any case; after `ms` for more to come. */
  async consoleErrors(token: string, ms: number): Promise<string[]> {
    await sleep(ms);
    const entries = await this.#control<Logged[]>("log", {});
    return entries.filter(({ event }) => event === CONSOLE_ERROR)
      .map(({ data }) => String(data[0])).filter((text) => text.includes(token));
  }

  /** Lets the server half go on where it waits for `name`. */
  release(name: string): Promise<void> {
    return this.#control("release", { name });
  }

  /** Runs a command of the server half. */
  command<T>(command: string, argument: unknown = null): Promise<T> {
    return this.#control<T>("do", { command }, JSON.stringify(argument));
  }

  /** Takes all that the server half has in memory from it, where a runtime does such things. */
  evict(): Promise<void> {
    return this.#control("evict", {});
  }

  stats(): Promise<CaseServerStats> {
    return this.#control<CaseServerStats>("stats", {});
  }

  /** Starts the server half of a case. */
  async open(caseId: string): Promise<void> {
    this.port = await this.#control("open", { case: caseId });
  }

  /** Ends all clients, then makes sure that nothing is left on the server. */
  async close(): Promise<void> {
    for (const connection of this.#opened) connection.terminate();
    let left: CaseServerStats | undefined;
    const limit = new TimeLimit(1500);
    do {
      left = await this.stats();
      if (left.peers + left.topics + left.timers + left.namespaces === 0) break;
      await sleep(25);
    } while (!limit.isOver);
    await this.#control("close", {});
    if (left!.peers + left!.topics + left!.timers + left!.namespaces > 0) {
      throw new Error(`the server kept something: ${JSON.stringify(left)}`);
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
