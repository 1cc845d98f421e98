import type { DurablePeer } from "./durable_peer.ts";
import type { SaveSchedule } from "./save_schedule.ts";
import type { HubObserver } from "../../pubsub/hub_observer.ts";
import type { Peer } from "../../peer.ts";

/**
 * The peers of one Durable Object that are in memory. The class observes the object's hub, and
 * saves a peer if the peer's topics change.
 */
export class DurablePeers implements HubObserver<Peer> {
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

  subscribed(_namespace: string, _topic: string, peer: Peer): void {
    this.#topicsChanged(peer);
  }

  unsubscribed(_namespace: string, topic: string, peer: Peer): void {
    this.#byPeer.get(peer)?.releaseTopic(topic);
    this.#topicsChanged(peer);
  }

  #topicsChanged(peer: Peer): void {
    const found = this.#byPeer.get(peer);
    if (!found) return;
    found.topicsChanged();
    this.#saves.touch(found);
  }
}
