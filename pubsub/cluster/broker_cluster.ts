import type { Timers } from "../../common/timers.ts";
import { encode } from "../../socket/frame.ts";
import type { Broker } from "../broker.ts";
import { ALL_NAMESPACES, channelOf, nodeChannel } from "../channel.ts";
import type { HubObserver } from "../hub_observer.ts";
import type { Interest } from "../interest.ts";
import { Outbox } from "../outbox.ts";
import type { PresenceMember } from "../presence/presence_member.ts";
import type {
  CloseAnswers,
  CloseRequest,
  ClusterHost,
  ClusterNode,
  RemoteMembers,
  RemoteNodes,
  RemotePresence,
} from "../remote_nodes.ts";
import type { NodeMessage, Sender } from "../sync_frame.ts";
import type { TopicName } from "../topic_options.ts";
import { type AskMembers, type ControlMessage, parseControl } from "./control_message.ts";
import { NodeDirectory } from "./node_directory.ts";
import { NodeQuestions } from "./node_questions.ts";
import { OwnPresence } from "./own_presence.ts";
import { WatchedMembers } from "./watched_members.ts";

/** Milliseconds that a request to close peers waits for the other nodes. */
const CLOSE_TIME = 1000;

/** Services of a {@linkcode BrokerCluster}. */
export interface BrokerClusterLink {
  /** Bytes by which the frames of this node begin. */
  readonly node: Uint8Array<ArrayBuffer>;
  readonly broker: Pick<Broker, "publish">;
  readonly interest: Interest;
  readonly timers: Timers;
  /** Calls back at the end of the turn. */
  defer(flush: () => void): void;
}

/** The other nodes, over a broker: who they are, and who is present on them. */
export class BrokerCluster implements RemoteNodes, RemotePresence, HubObserver<unknown> {
  readonly #link: BrokerClusterLink;
  readonly #host: ClusterHost;
  readonly #outbox: Outbox;
  readonly #directory: NodeDirectory;
  readonly #own: OwnPresence;
  readonly #watched: WatchedMembers;
  readonly #closes: NodeQuestions<number>;
  #isUp = false;
  #isClosed = false;
  /** Number of times that control messages did not reach the broker. */
  #losses = 0;

  constructor(link: BrokerClusterLink, host: ClusterHost) {
    const { timers, interest, node, broker } = link;
    this.#link = link;
    this.#host = host;
    this.#outbox = new Outbox({
      node,
      publish: (batch) => broker.publish(batch),
      defer: (flush) => link.defer(flush),
      sent() {}, // the counters are of the messages of clients
      dropped: () => void this.#losses++, // the next beat tells the others
    });
    this.#directory = new NodeDirectory({
      timers,
      beat: (isNew, to) => this.#beat(isNew, to),
      appeared: (id) => this.#watched.appeared(id),
      gone: (id, hasEnded) => {
        if (hasEnded) this.#closes.ended(id);
        this.#watched.gone(id, hasEnded);
      },
    });
    this.#own = new OwnPresence({
      membersOf: (name) => host.membersOf(name),
      send: ({ namespace, topic }, change) => this.#send(channelOf(namespace, topic), change),
    });
    this.#watched = new WatchedMembers({
      timers,
      directory: this.#directory,
      confirmed: () => interest.confirmed(),
      ask: (id, topics, to) => this.#send(channelTo(to), { type: "ask", id, topics }),
      hear: ({ namespace, topic }) => interest.topicAdded(namespace, topic),
      unhear: ({ namespace, topic }) => interest.topicRemoved(namespace, topic),
      changed: (name, from, to) => host.presenceChanged(name, from, to),
    });
    this.#closes = new NodeQuestions(timers);
  }

  get presence(): RemotePresence {
    return this;
  }

  get nodes(): readonly ClusterNode[] {
    return this.#directory.nodes;
  }

  get stale(): boolean {
    return !this.#directory.isSettled;
  }

  async closePeers(request: CloseRequest): Promise<CloseAnswers> {
    await this.#directory.introduced();
    if (!this.#isUp) return { nodes: 0, closed: 0, missing: [...this.#directory.ids] };
    const { answers, missing } = await this.#closes.ask(this.#directory.ids, CLOSE_TIME, (id) => {
      this.#send(ALL_NAMESPACES, { type: "close", id, ...request });
    });
    const closed = [...answers.values()].reduce((sum, count) => sum + count, 0);
    return { nodes: answers.size, closed, missing };
  }

  entered(name: TopicName, member: PresenceMember): void {
    this.#own.entered(name, member);
  }

  exited(name: TopicName, member: PresenceMember): void {
    this.#own.exited(name, member);
  }

  async state(name: TopicName): Promise<RemoteMembers> {
    return this.#isClosed ? { members: [], stale: true } : await this.#watched.state(name);
  }

  topicAdded(namespace: string, topic: string): void {
    const name = { namespace, topic };
    if (this.#host.hasPresence(name)) this.#watched.watch(name);
  }

  topicRemoved(namespace: string, topic: string): void {
    const name = { namespace, topic };
    if (this.#host.hasPresence(name)) this.#watched.unwatch(name);
  }

  /** The broker is connected. */
  up(): void {
    if (this.#isClosed) return; // the last messages may still be on their way
    this.#isUp = true;
    this.#directory.up();
    this.#watched.up();
  }

  /** The connection was lost. */
  down(): void {
    this.#isUp = false;
    this.#directory.down();
    this.#watched.down();
    this.#closes.close();
  }

  /** Tells the other nodes that this node ends, and ends all timers. */
  async close(): Promise<void> {
    this.#send(ALL_NAMESPACES, { type: "bye" });
    this.#isUp = false;
    this.#isClosed = true;
    this.#directory.close();
    this.#watched.close();
    this.#closes.close();
    await this.#outbox.settle();
  }

  /**
   * Takes a control message. Returns whether it is one.
   *
   * @param name topic of the channel, if the channel is of one.
   */
  received({ frame }: NodeMessage, { node, epoch }: Sender, name: TopicName | undefined): boolean {
    const message = parseControl(frame), id = node.toString(16).padStart(16, "0");
    if (!message) return false;
    if (message.type === "beat") this.#directory.beat(id, message, epoch);
    else if (message.type === "bye") this.#directory.bye(id);
    else {
      this.#directory.heard(id);
      this.#take(message, id, name);
    }
    return true;
  }

  #take(message: ControlMessage, id: string, name: TopicName | undefined): void {
    if (message.type === "members" && name) this.#watched.change(id, name, message);
    if (message.type === "answer") this.#watched.answered(id, message);
    if (message.type === "closed") this.#closes.answered(message.id, id, message.closed);
    if (message.type === "ask") void this.#answer(id, message);
    if (message.type === "close") {
      this.#sendTo(id, { type: "closed", id: message.id, closed: this.#host.close(message) });
    }
  }

  /** Answers in parts. Waits for the broker in between, as the members may have many megabytes. */
  async #answer(to: string, { id, topics }: AskMembers): Promise<void> {
    for (const part of this.#own.answer(id, topics)) {
      if (this.#outbox.isHalfFull) await this.#outbox.settle();
      if (!this.#isUp) return;
      this.#sendTo(to, part);
    }
  }

  #beat(isNew: boolean, to: string | undefined): void {
    const { peers } = this.#host, { hasMembers } = this.#own, losses = this.#losses;
    this.#send(channelTo(to), { type: "beat", peers, losses, hasMembers, isNew });
    if (to !== undefined) return;
    this.#own.repeat();
    this.#watched.repeat();
  }

  #sendTo(id: string, message: ControlMessage): void {
    this.#send(nodeChannel(id), message);
  }

  /** Without a connection, sends nothing: the others ask again after the next one. */
  #send(channel: string, message: ControlMessage): void {
    if (!this.#isUp) return;
    this.#outbox.add(channel, { frame: encode(message), compress: false, isControl: true });
  }
}

function channelTo(node: string | undefined): string {
  return node === undefined ? ALL_NAMESPACES : nodeChannel(node);
}
