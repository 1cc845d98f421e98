import { Line } from "./client.ts";
import type { Notice } from "./fleet_node.ts";

/** Milliseconds after which a commit without an answer is repeated. */
const MAX_COMMIT = 2500;

/** Publishes numbered messages over any node, and repeats commits until one is confirmed. */
export class Publisher {
  readonly #name: string;
  readonly #address: () => string;
  #line: Line | undefined;
  #taken: (notice: Notice) => void = () => {};
  #number = 0;
  counts = { published: 0, committed: 0, repeated: 0 };

  constructor(name: string, address: () => string) {
    this.#name = name;
    this.#address = address;
  }

  /** Publishes messages in one turn. They are lost if the node or its broker is away. */
  async publish(topic: string, count: number): Promise<void> {
    const line = await this.#open();
    for (let i = 0; i < count; i++) {
      line?.send({ publish: `${this.#name}-${++this.#number}`, topic });
      this.counts.published++;
    }
  }

  /** Commits one message. Tries again with the same key, on any node, while `mayRepeat` is true. */
  async commit(topic: string, mayRepeat: () => boolean): Promise<string | undefined> {
    const text = `${this.#name}-${++this.#number}`;
    for (let attempt = 0; attempt === 0 || mayRepeat(); attempt++) {
      if (attempt > 0) this.counts.repeated++;
      const line = await this.#open();
      const notice = await new Promise<Notice | undefined>((resolve) => {
        const timer = setTimeout(resolve, MAX_COMMIT, undefined);
        this.#taken = (notice) => {
          if (!("committed" in notice && notice.committed === text) && !("failed" in notice)) {
            return;
          }
          clearTimeout(timer);
          resolve(notice);
        };
        line?.send({ commit: text, topic, key: text });
        void line?.ended.then(() => setTimeout(resolve, 20, undefined));
        if (!line) setTimeout(resolve, 50, undefined);
      });
      if (notice && "committed" in notice) {
        this.counts.committed++;
        return text;
      }
      this.close(); // another node may do better
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return undefined;
  }

  close(): void {
    this.#line?.end();
    this.#line = undefined;
  }

  async #open(): Promise<Line | undefined> {
    if (this.#line?.isOpen) return this.#line;
    this.#line?.end();
    const line = this.#line = new Line(this.#address(), (notice) => this.#taken(notice));
    await Promise.race([line.opened, new Promise((resolve) => setTimeout(resolve, 1000))]);
    return line.isOpen ? line : undefined;
  }
}
