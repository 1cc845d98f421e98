import { ignoreFailure } from "../ignore_failure.ts";
import type { PgClient, PgNotification, Session, SessionHost } from "./clients.ts";
import { listenStatement, unlistenStatement } from "./notification.ts";
import { reset } from "../socket_guard.ts";
import { type Statement, Statements, textsOf } from "./statements.ts";

/** Milliseconds that a connection has to close by itself. */
const CLOSE_TIMEOUT = 1000;

/** Session over one client of pg, which publishes and listens. */
export class PgSession implements Session {
  readonly #client: PgClient;
  readonly #isOurs: boolean;
  readonly #statements: Statements;
  readonly #names = new Set<string>();
  readonly #notified: (message: PgNotification) => void;
  #isOpen = false;
  #hasEnded = false;
  #ended: () => void = () => {};

  /**
   * @param isOurs whether the client is new, and no other code uses it. Otherwise it is connected,
   * and stays open.
   */
  constructor(client: PgClient, isOurs: boolean, { received, answered, lost }: SessionHost) {
    this.#client = client;
    this.#isOurs = isOurs;
    this.#statements = new Statements((statement) => client.query(statement), answered);
    this.#notified = ({ channel, payload = "" }) => {
      answered();
      received(channel, payload);
    };
    client.on("notification", this.#notified);
    // Stays for good: without a listener, an `error` ends the process.
    client.on("error", lost);
    client.on("end", () => {
      this.#hasEnded = true;
      this.#ended();
      lost(new Error("PostgreSQL has closed the connection"));
    });
  }

  async open(): Promise<void> {
    if (this.#isOurs) await this.#client.connect();
    this.#isOpen = true;
  }

  async run(statement: Statement | (() => Statement)): Promise<void> {
    await this.#statements.run(statement);
  }

  async read(statement: Statement): Promise<readonly string[]> {
    const { rows } = await this.#statements.run(statement) as { readonly rows: readonly object[] };
    return textsOf(rows);
  }

  async listen(names: readonly string[]): Promise<void> {
    for (const name of names) this.#names.add(name);
    await this.run(listenStatement(names));
  }

  async unlisten(names: readonly string[]): Promise<void> {
    for (const name of names) this.#names.delete(name);
    await this.run(unlistenStatement(names));
  }

  probe(): Promise<void> {
    return this.run({ text: "select 1" });
  }

  destroy(isLost = false): void {
    ignoreFailure(() => this.#client.off("notification", this.#notified));
    this.#statements.close(new Error("the connection to PostgreSQL is closed"));
    if (this.#hasEnded) return;
    if (this.#isOurs) this.#end(isLost);
    else if (this.#names.size > 0) {
      ignoreFailure(() => this.#client.query(unlistenStatement([...this.#names])));
    }
  }

  #end(isLost: boolean): void {
    // A native client shows no connection: its end() must do.
    const { connection } = this.#client, end = () => this.#client.end();
    const cut = () => ignoreFailure(() => connection ? reset(connection.stream) : end());
    if (!this.#isOpen || isLost) return cut();
    ignoreFailure(end);
    // A server that does not answer does not close the connection either.
    const timer = setTimeout(cut, CLOSE_TIMEOUT);
    this.#ended = () => clearTimeout(timer);
  }
}
