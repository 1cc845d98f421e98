import type { Timers } from "../../common/timers.ts";

/** A question to several nodes. */
interface Question<Answer> {
  /** Ids of the nodes that have not answered. */
  readonly missing: Set<string>;
  readonly answers: Map<string, Answer>;
  readonly done: () => void;
}

/** The answers that came in time. */
export interface Answers<Answer> {
  /** Answers by node. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Ids of the nodes that have not answered. */
  readonly missing: readonly string[];
}

/** Questions to other nodes, and their answers. A question never waits for a node longer than its time. */
export class NodeQuestions<Answer> {
  readonly #timers: Timers;
  readonly #open = new Map<number, Question<Answer>>();
  #id = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * Asks nodes. Resolves when all have answered or ended, and at the latest after `ms`.
   *
   * @param send sends the question with this number.
   */
  ask(nodes: Iterable<string>, ms: number, send: (id: number) => void): Promise<Answers<Answer>> {
    const id = ++this.#id, missing = new Set(nodes), answers = new Map<string, Answer>();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.#open.delete(id);
        resolve({ answers, missing: [...missing] });
      };
      const cancel = this.#timers.after(ms, done);
      this.#open.set(id, { missing, answers, done });
      send(id);
      if (missing.size === 0) done();
    });
  }

  /** A node has answered. Late answers, and answers of nodes that were not asked, are ignored. */
  answered(id: number, node: string, answer: Answer): void {
    const question = this.#open.get(id);
    if (!question?.missing.delete(node)) return;
    question.answers.set(node, answer);
    if (question.missing.size === 0) question.done();
  }

  /** A node has ended. No question waits for its answer: it has no peers any more. */
  ended(node: string): void {
    for (const { missing, done } of [...this.#open.values()]) {
      if (missing.delete(node) && missing.size === 0) done();
    }
  }

  /** Ends all questions now. */
  close(): void {
    for (const { done } of [...this.#open.values()]) done();
  }
}
