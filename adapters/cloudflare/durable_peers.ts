import type { DurablePeer } from "./durable_peer.ts";
import type { SaveSchedule } from "./save_schedule.ts";
import type { HubObserver } from "../../pubsub/hub_observer.ts";
import type { PresenceKeeper } from "../../pubsub/presence/presence.ts";
import type { Peer } from "../../peer.ts";

/**
 * The peers of one Durable Object that are in memory. The class observes the object's hub, and
 * saves a peer if its topics or its presence change.
 */
export class DurablePeers implements HubObserver<Peer>, PresenceKeeper<Peer> {
  readonly #bySocket = new WeakMap<object, DurablePeer>();
  readonly #byPeer = new WeakMap<Peer, DurablePeer>();
  readonly #saves: SaveSchedule<DurablePeer>;

  constructor(saves: SaveSchedule<DurablePeer>) {
    this.#saves = saves;
  }

  /** Adds a peer that was accepted or revived. From now on, changes of the peer are saved. */
  add(found: DurablePeer): void {
    this.#bySocket.set(found.socket.raw, found);
    this.#byPeer.set(found.peer, found);
    found.watch(() => this.#saves.touch(found));
  }

  /** Returns the peer of a socket; `undefined` if the peer is not in memory. */
  ofSocket(native: object): DurablePeer | undefined {
    return this.#bySocket.get(native);
  }

  /** Returns the saved state of a peer; `undefined` while the peer is being revived. */
  of(peer: Peer): DurablePeer | undefined {
    return this.#byPeer.get(peer);
  }

  /** Makes room for the presence of a peer, and saves the peer. */
  changing(peer: Peer, growth: number): void {
    this.#byPeer.get(peer)?.reserve(growth);
    this.#changed(peer);
  }

  /** Keeps the object in memory until the hooks have run. */
  gathering(told: Promise<void>): void {
    this.#saves.ran(undefined, told);
  }

  subscribed(namespace: string, _topic: string, peer: Peer): void {
    if (namespace === peer.namespace) this.#changed(peer); // not for topics of users
  }

  unsubscribed(namespace: string, topic: string, peer: Peer): void {
    if (namespace !== peer.namespace) return;
    this.#byPeer.get(peer)?.releaseTopic(topic);
    this.#changed(peer);
  }

  #changed(peer: Peer): void {
    const found = this.#byPeer.get(peer);
    if (!found) return;
    found.topicsChanged();
    this.#saves.touch(found);
  }
}
