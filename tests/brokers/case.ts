import type { AdapterOptions } from "../../endpoint/adapter.ts";
import { ChildNode, type ChildOptions } from "./child_node.ts";
import type { Ability, BrokerDriver, BrokerFaults, BrokerServer, SyncOptions } from "./driver.ts";
import { Proxy, type ProxyOptions } from "./proxy.ts";
import { TestNode } from "./test_node.ts";

/** A clause of `docs/contract.md` that holds over every broker, as one executable fact. */
export interface BrokerCase {
  /** The clause and a name: `N1.once`. */
  readonly id: string;
  /** The fact, as one sentence. */
  readonly fact: string;
  /** Whether the case needs a server of its own. Brokers without a server do not run it. */
  readonly needsServer?: boolean;
  /** Whether no other case may run meanwhile, as the case blocks the process. */
  readonly runsAlone?: boolean;
  /** Abilities that the case needs. Drivers that lack one do not run the case. */
  readonly needs?: readonly Ability[];
  /** Milliseconds after which the case fails. Default: 10,000. */
  readonly maxMs?: number;
  run(cluster: Cluster): Promise<void>;
}

/** Returns the reason why a driver cannot run a case, if there is one. */
export function reasonToSkip(
  { id, needsServer, needs = [] }: BrokerCase,
  { name, gaps, abilities }: BrokerDriver,
): string | undefined {
  const all: readonly Ability[] = needsServer ? ["faults", ...needs] : needs;
  const lacking = all.find((need) => !abilities.includes(need));
  return gaps?.[id] ?? (lacking === undefined ? undefined : `${name} has no ${lacking}`);
}

/** Returns the abilities that a driver and its server really have. */
export function abilitiesOf(
  driver: BrokerDriver,
  { faults, forge, connections, address, port, replacesStalled, maxChannels, keepsHistory }:
    BrokerServer,
): Ability[] {
  const has: Record<Ability, unknown> = {
    faults,
    cut: faults?.cut,
    exhaust: faults?.exhaust,
    forge,
    connections,
    port,
    limit: maxChannels,
    history: keepsHistory,
    stall: port !== undefined && replacesStalled,
    child: address !== undefined && driver.attach,
  };
  return (Object.keys(has) as Ability[]).filter((ability) => has[ability]);
}

/** The nodes of one case. */
export class Cluster implements AsyncDisposable {
  /** Name of the cluster: letters and digits. */
  readonly name: string;
  /** Server of the cluster's broker. */
  readonly server: BrokerServer;
  readonly #driver: string;
  readonly #nodes: TestNode[] = [];
  readonly #children: ChildNode[] = [];
  readonly #proxies: Proxy[] = [];

  constructor(server: BrokerServer, name: string, driver: string) {
    this.server = server;
    this.name = name;
    this.#driver = driver;
  }

  /** Faults of the server. */
  get faults(): BrokerFaults {
    if (!this.server.faults) throw new Error("this broker has no server");
    return this.server.faults;
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
  node(options: AdapterOptions = {}, syncOptions: SyncOptions = { required: true }): TestNode {
    const sync = this.server.sync(this.name, syncOptions);
    const node = new TestNode({ sync, ...options });
    this.#nodes.push(node);
    return node;
  }

  /** Starts a node behind a proxy, and waits until it is connected. */
  async behind({ port }: Proxy): Promise<TestNode> {
    const node = this.node({}, { required: true, port });
    await node.ready();
    return node;
  }

  /** Starts a proxy before the server. It ends with the cluster. */
  async proxy(options?: ProxyOptions): Promise<Proxy> {
    const proxy = await Proxy.start(this.server.port!, options);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Starts a node in a process of its own, and waits until it hears its topic. */
  async child(options: Pick<ChildOptions, "closesWhen"> = {}): Promise<ChildNode> {
    const child = new ChildNode({
      driver: this.#driver,
      address: this.server.address!,
      cluster: this.name,
      ...options,
    });
    this.#children.push(child);
    await child.until("ready");
    return child;
  }

  /** Resolves when every node hears the topics of all its clients. */
  async confirmed(): Promise<void> {
    await Promise.all(this.#nodes.map(({ endpoint }) => endpoint.topicsConfirmed()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#nodes.map((node) => node.close({ timeout: 0 })));
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
  }
}
