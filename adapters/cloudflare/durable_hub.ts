import { Hub, type HubPublishOptions } from "../../pubsub/hub.ts";
import type { Peer } from "../../peer.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";

/** A hub whose members outlive the process: those that nobody has asked for yet are not in it. */
export class DurableHub extends Hub<Peer> {
  /** Lets all join who are not here yet; there until it has been called. */
  complete: (() => void) | undefined;
  /** Hears that a peer joins or leaves a topic, and may throw at whoever wants it to. */
  changing: ((peer: Peer, joined?: string) => void) | undefined;

  override get namespaces(): ReadonlyMap<string, ReadonlySet<Peer>> {
    this.complete?.();
    return super.namespaces;
  }

  override get memberCount(): number {
    this.complete?.();
    return super.memberCount;
  }

  override get topicCount(): number {
    this.complete?.();
    return super.topicCount;
  }

  override subscribe(namespace: string, topic: string, peer: Peer): void {
    this.changing?.(peer, topic);
    super.subscribe(namespace, topic, peer);
  }

  override unsubscribe(namespace: string, topic: string, peer: Peer): void {
    this.changing?.(peer);
    super.unsubscribe(namespace, topic, peer);
  }

  override publish(
    topic: string,
    frame: OutgoingFrame,
    options?: HubPublishOptions<Peer>,
  ): number {
    this.complete?.();
    return super.publish(topic, frame, options);
  }
}
