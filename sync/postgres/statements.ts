/** A statement for the server. */
export interface Statement {
  readonly text: string;
  /** Values of `$1`, `$2` and so on. Without values, `text` may contain several statements. */
  readonly values?: (string | Uint8Array)[];
  /** Name under which the server keeps the parsed statement. */
  readonly name?: string;
}

/** A statement that waits, or is executed at present. */
interface Job {
  /** Makes the statement when its turn has come. */
  readonly statement: () => Statement;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/**
 * Runs statements of one connection one after another.
 *
 * pg warns of statements that do not wait for the former one, and will refuse them in version 9.
 * postgres.js sends five statements in a row over five connections, in any order.
 */
export class Statements {
  readonly #execute: (statement: Statement) => Promise<unknown>;
  readonly #answered: () => void;
  readonly #waiting: Job[] = [];
  #present: Job | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param answered called when the server has confirmed a statement. */
  constructor(execute: (statement: Statement) => Promise<unknown>, answered: () => void) {
    this.#execute = execute;
    this.#answered = answered;
  }

  /** Runs a statement after all others. Resolves with the answer of the client library. */
  run(statement: Statement | (() => Statement)): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure.error);
      const make = typeof statement === "function" ? statement : () => statement;
      this.#waiting.push({ statement: make, resolve, reject });
      this.#next();
    });
  }

  /** Rejects all statements, also the present one, whose answer may never come. */
  close(error: unknown): void {
    this.#failure = { error };
    this.#present?.reject(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #next(): void {
    if (this.#present) return;
    const job = this.#present = this.#waiting.shift();
    if (!job) return;
    const ended = () => {
      this.#present = undefined;
      this.#next();
    };
    this.#answer(job.statement()).then((answer) => {
      this.#answered();
      job.resolve(answer);
      ended();
    }, (error) => {
      job.reject(error);
      ended();
    });
  }

  /** A client may throw at the call, or reject later. */
  async #answer(statement: Statement): Promise<unknown> {
    return await this.#execute(statement);
  }
}

/** Returns the values of the only column of rows. The name of the column may be changed by a client. */
export function textsOf(rows: readonly object[]): readonly string[] {
  return rows.map((row) => String(Object.values(row)[0]));
}
