import type { UpgradeRequest } from "../handshake/handshake.ts";
import type { Peer } from "../peer.ts";
import type { PeerInit } from "../handshake/peer_init.ts";
import type { ServerSocket } from "../socket/socket.ts";
import { Connection } from "./connection.ts";
import type { ConnectionHost } from "./connection_host.ts";
import type { ConnectionSettings } from "./connection_settings.ts";
import type { ConnectionSlots } from "./connection_slots.ts";
import { inHandshakeTime } from "./handshake_time.ts";
import type { ChosenHooks } from "./hook_chooser.ts";
import { type Awaitable, chain, isThenable, type PeerHooks } from "./hooks.ts";

/** Services that a revival needs. */
export interface RevivalHost {
  /** Services of this peer alone, which get the options of the hooks once the hooks are chosen. */
  readonly host: ConnectionHost;
  readonly slots: ConnectionSlots;
  /** The global `close` hook, which runs even if the hooks cannot be chosen again. */
  readonly close: PeerHooks["close"];
  /** Chooses the hooks of a connection, as at its handshake. */
  choose(request: UpgradeRequest): Awaitable<ChosenHooks>;
  /** Options in force until the hooks are chosen. */
  readonly settings: ConnectionSettings;
  /** Reports a failure of `choose`. */
  report(error: unknown, request: UpgradeRequest): void;
}

/**
 * Revives a peer from saved state. A Durable Object loses its memory while its sockets stay open. If
 * the hooks cannot be chosen again, the peer is closed with 1011.
 *
 * @param request makes the request of the peer's handshake.
 */
export function revive(
  socket: ServerSocket,
  saved: PeerInit,
  request: () => UpgradeRequest,
  services: RevivalHost,
): Peer {
  const { close, settings } = services;
  const { host } = services;
  // No hook of another kind may run, since the peer's own hooks are unknown.
  const unknown: PeerHooks = close ? { close: (peer, info) => close(peer, info) } : {};
  const connection = new Connection(socket, {
    ...saved,
    hooks: unknown,
    settings,
    slot: services.slots.take(saved.remoteAddress),
  }, host);
  const { peer } = connection;
  const failed = (error: unknown) => {
    // Deferred, as the client's own close may be the event that revives the peer.
    host.later(peer, () => peer.close(1011));
    services.report(error, request());
    return unknown;
  };
  const hooks = chooseAgain(request, services, ({ hooks, settings }) => {
    const { limits, idle, trustedHops } = settings;
    Object.assign(host, { limits, idle, trustedHops });
    return hooks;
  }, failed);
  if (isThenable(hooks)) host.ran?.(peer, hooks as Promise<unknown> as Promise<void>);
  connection.onopen(hooks);
  for (const topic of saved.topics ?? []) host.hub.subscribe(peer.namespace, topic, peer);
  return peer;
}

/** Chooses hooks again. Never throws, and never rejects. */
function chooseAgain(
  request: () => UpgradeRequest,
  { choose, settings, host }: RevivalHost,
  use: (chosen: ChosenHooks) => PeerHooks,
  failed: (error: unknown) => PeerHooks,
): Awaitable<PeerHooks> {
  try {
    const hooks = chain(choose(request()), use);
    if (!isThenable(hooks)) return hooks;
    return inHandshakeTime(hooks, { settings }, host.timers).catch(failed);
  } catch (error) {
    return failed(error);
  }
}
