import type { PostgresJsClient, Session, SessionHost } from "./clients.ts";
import { nameOf } from "./notification.ts";
import type { PostgresJsNames } from "./postgres_js_names.ts";
import { type Statement, Statements, textsOf } from "./statements.ts";

/** Name to which no node sends. */
const PROBE = nameOf("onepeer", "probe");

/**
 * Session over a client of postgres.js, which stays open. The client publishes over its pool, and
 * listens over one more connection.
 */
export class PostgresJsSession implements Session {
  readonly #client: PostgresJsClient;
  readonly #names: PostgresJsNames;
  readonly #host: SessionHost;
  readonly #statements: Statements;
  /** Id of the server process behind the listening connection. */
  #pid: number | null | undefined;

  /** @param names the names of the node, which outlive this session. */
  constructor(client: PostgresJsClient, names: PostgresJsNames, host: SessionHost) {
    this.#client = client;
    this.#names = names;
    this.#host = host;
    this.#statements = new Statements((statement) => this.#execute(statement), host.answered);
  }

  async open(): Promise<void> {
    this.#names.reportTo({
      received: (name, payload) => {
        this.#host.answered();
        return this.#host.received(name, payload);
      },
      confirmed: () => this.#confirmed(),
    });
    await undefined;
  }

  async run(statement: Statement | (() => Statement)): Promise<void> {
    await this.#statements.run(statement);
  }

  async read(statement: Statement): Promise<readonly string[]> {
    return textsOf(await this.#statements.run(statement) as readonly object[]);
  }

  async listen(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#names.listen(name)));
    this.#pid ??= this.#names.pid;
    this.#host.answered();
  }

  async unlisten(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#names.unlisten(name)));
  }

  async probe(): Promise<void> {
    // By the names: postgres.js keeps the listener of a probe that has failed, and answers for the
    // server if there is another listener.
    await this.#names.listen(PROBE);
    await Promise.all([this.#names.unlisten(PROBE), this.run({ text: "select 1" })]);
  }

  destroy(): void {
    this.#names.reportTo(undefined);
    this.#statements.close(new Error("the connection to PostgreSQL is closed"));
  }

  async #execute({ text, values }: Statement): Promise<unknown> {
    try {
      // `prepare` saves a round trip, in which postgres.js asks for the types of the values.
      return await (values
        ? this.#client.unsafe(text, values, { prepare: true })
        : this.#client.unsafe(text));
    } catch (error) {
      // The pool reports a lost connection only here. Then the other connection may be lost too.
      if (!isOfStatement(error)) this.#host.lost(error);
      throw error;
    }
  }

  /** Notices that postgres.js has connected again, as notifications may be missed. */
  #confirmed(): void {
    const { pid } = this.#names;
    if (this.#pid !== undefined && this.#pid !== pid) {
      this.#host.lost(new Error("the connection that listens was lost"));
    }
    this.#pid = pid;
  }
}

/** Whether the server has rejected a statement, and keeps the connection. */
function isOfStatement(error: unknown): boolean {
  return error instanceof Error && "severity" in error && error.severity === "ERROR";
}
