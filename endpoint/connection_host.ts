import type { Peer, PeerHost } from "../peer.ts";
import type { PeerInit } from "../handshake/peer_init.ts";
import type { SendQueueHost } from "../socket/send_queue.ts";
import type { ConnectionSettings } from "./connection_settings.ts";
import type { Slot } from "./connection_slots.ts";
import type { PeerHooks } from "./hooks.ts";
import type { CheckedConnection, LivenessClock } from "./liveness.ts";
import type { UserCloses } from "./user_closes.ts";

/** The part of a connection that its endpoint uses. */
export interface LiveConnection extends CheckedConnection {
  readonly peer: Peer;
}

/** Services that all connections of one endpoint share. */
export interface ConnectionHost extends PeerHost, SendQueueHost {
  readonly limits: SendQueueHost["limits"];
  /** Checks the liveness of connections; `undefined` without `pingInterval` and `idleTimeout`. */
  readonly idle: LivenessClock | undefined;
  readonly userCloses: UserCloses;
  /** Called when a connection has opened, before its `open` hook. */
  began(connection: LiveConnection): void;
  /**
   * Called after a hook has started, if peers outlive the process. A pending hook may still change
   * the context of its peer. May return a promise that settles after the hook. An exception counts
   * as a failure of the hook.
   */
  ran?(peer: Peer, hook: Promise<void> | undefined): Promise<void> | undefined;
  /** Runs a task of a peer in a microtask, or in the request that the peer belongs to. */
  later(peer: Peer, task: () => void): void;
  /** Called when a connection is over and its `close` hook has settled. */
  finished(connection: LiveConnection): void;
}

/** An accepted handshake, from which a connection is made. */
export interface Admission extends PeerInit {
  readonly hooks: PeerHooks;
  /** Options in force for the connection. */
  readonly settings: ConnectionSettings;
  /** Slot of the connection in `limits.maxPeers`. */
  readonly slot: Slot;
  /** Number of closes of users before; absent for a peer that returns from hibernation. */
  readonly userCloses?: number;
}

/** Services by the settings that they include, and by the services without these settings. */
const hostsBySettings = new WeakMap<ConnectionSettings, WeakMap<ConnectionHost, ConnectionHost>>();

/** Returns the services of connections with these settings. The connections share one object. */
export function hostWith(host: ConnectionHost, settings: ConnectionSettings): ConnectionHost {
  if (host.limits === settings.limits && host.trustedHops === settings.trustedHops) return host;
  let hosts = hostsBySettings.get(settings);
  if (!hosts) hostsBySettings.set(settings, hosts = new WeakMap());
  let own = hosts.get(host);
  if (!own) {
    const { limits, idle, trustedHops } = settings;
    hosts.set(host, own = { ...host, limits, idle, trustedHops });
  }
  return own;
}
