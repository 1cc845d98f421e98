import type { UpgradeRequest } from "../handshake/handshake.ts";
import type { Peer, PeerInit } from "../peer.ts";
import type { ServerSocket } from "../socket/socket.ts";
import { Connection } from "./connection.ts";
import type { ConnectionHost } from "./connection_host.ts";
import type { ConnectionSlots } from "./connection_slots.ts";
import { type Awaitable, isThenable, type PeerHooks } from "./hooks.ts";

/** Services that a revival needs. */
export interface RevivalHost {
  readonly host: ConnectionHost;
  readonly slots: ConnectionSlots;
  /** Chooses the hooks of a connection, as at its handshake. */
  choose(request: UpgradeRequest): Awaitable<PeerHooks>;
  /** Reports a failure of `choose`. */
  report(error: unknown, request: UpgradeRequest): void;
}

/** Hooks of a peer if `resolve` fails and the real hooks are unknown: a message closes the peer. */
const UNKNOWN_HOOKS: PeerHooks = { message: (peer) => peer.close(1011) };

/**
 * Revives a peer from saved state. A Durable Object loses its memory while its sockets stay open.
 *
 * @param request makes the request of the peer's handshake.
 */
export function revive(
  socket: ServerSocket,
  saved: PeerInit,
  request: () => UpgradeRequest,
  services: RevivalHost,
): Peer {
  const { host } = services;
  const hooks = chooseAgain(request, services);
  const connection = new Connection(socket, {
    ...saved,
    hooks: isThenable(hooks) ? {} : hooks,
    slot: services.slots.take(saved.remoteAddress),
  }, host);
  const { peer } = connection;
  if (isThenable(hooks)) host.ran?.(peer, hooks as Promise<unknown> as Promise<void>);
  connection.onopen(isThenable(hooks) ? hooks : true);
  for (const topic of saved.topics ?? []) host.hub.subscribe(peer.namespace, topic, peer);
  return peer;
}

/** Chooses hooks again. Never throws, and never rejects. */
function chooseAgain(
  request: () => UpgradeRequest,
  services: RevivalHost,
): Awaitable<PeerHooks> {
  const failed = (error: unknown) => {
    services.report(error, request());
    return UNKNOWN_HOOKS;
  };
  try {
    const hooks = services.choose(request());
    return isThenable(hooks) ? hooks.catch(failed) : hooks;
  } catch (error) {
    return failed(error);
  }
}
