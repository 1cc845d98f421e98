import type { AdapterOptions } from "../../endpoint/adapter.ts";
import { TestNode } from "./test_node.ts";
import type { BrokerFaults, BrokerServer } from "./driver.ts";

/** A clause of the contract that every broker must keep, as an executable case. */
export interface BrokerCase {
  /** The clause and a name: `N1.once`. */
  readonly id: string;
  /** What the case shows, as one sentence. */
  readonly fact: string;
  /** Whether the case needs a server to kill. Brokers without a server do not run it. */
  readonly needsServer?: boolean;
  /** Milliseconds after which the case fails. Default: 10,000. */
  readonly maxMs?: number;
  run(cluster: Cluster): Promise<void>;
}

/** The nodes of one case. */
export class Cluster implements AsyncDisposable {
  readonly #server: BrokerServer;
  readonly #name: string;
  readonly #nodes: TestNode[] = [];

  constructor(server: BrokerServer, name: string) {
    this.#server = server;
    this.#name = name;
  }

  /** Faults of the server. */
  get faults(): BrokerFaults {
    if (!this.#server.faults) throw new Error("this broker has no server");
    return this.#server.faults;
  }

  /** Starts nodes that are connected. */
  async nodes<Count extends number>(
    count: Count,
    options: AdapterOptions = {},
  ): Promise<readonly TestNode[]> {
    const nodes = Array.from({ length: count }, () => this.node(options));
    await Promise.all(nodes.map((node) => node.ready()));
    return nodes;
  }

  /** Starts a node, whose broker may not be connected yet. */
  node(options: AdapterOptions = {}): TestNode {
    const sync = this.#server.sync(this.#name, { required: true });
    const node = new TestNode({ sync, ...options });
    this.#nodes.push(node);
    return node;
  }

  /** Resolves when every node hears the topics of all its clients. */
  async confirmed(): Promise<void> {
    await Promise.all(this.#nodes.map(({ endpoint }) => endpoint.topicsConfirmed()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close({ timeout: 0 })));
    await this.#server[Symbol.asyncDispose]();
  }
}
