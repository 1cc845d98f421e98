import type { GapInfo, SubscribeResult } from "../../pubsub/history/subscribe_options.ts";
import type { SyncAdapter } from "../../pubsub/sync_adapter.ts";
import type { HistoryOptions } from "../../pubsub/topic_options.ts";
import { type TestClient, TestNode } from "./test_node.ts";

/** Namespace of all clients. */
const namespace = "/";

/** A node whose topics have a history if their name begins with `h`, with the gaps of its peers. */
export class HistoryNode extends TestNode {
  readonly gaps: GapInfo[];

  constructor(sync: SyncAdapter, history: HistoryOptions = { size: 50, ttl: 60_000 }) {
    const gaps: GapInfo[] = [];
    super({
      sync,
      topics: (topic) => topic.startsWith("h") ? { history } : undefined,
      hooks: { gap: (_peer, gap) => void gaps.push(gap) },
    });
    this.gaps = gaps;
  }

  /** Without a time limit: fake clients answer no close frame. */
  override [Symbol.asyncDispose](): Promise<void> {
    return this.close({ timeout: 0 });
  }

  get isUp(): boolean {
    return this.stats.sync!.up === 1;
  }

  /** Connects a client that has the messages up to a position. */
  async come(
    since?: string,
    topic = "h",
  ): Promise<SubscribeResult & { readonly client: TestClient }> {
    const client = await this.client(namespace);
    return { ...await client.peer.subscribe(topic, { since }), client };
  }

  keep(text: string, topic = "h", key?: string): Promise<string> {
    return this.commit(topic, text, { namespace, ...(key !== undefined && { key }) });
  }
}
