import type { Fault } from "../fault.ts";
import { adapters } from "./adapters.ts";
import { brokers } from "./brokers.ts";
import { cluster } from "./cluster.ts";
import { delivery } from "./delivery.ts";
import { framing } from "./framing.ts";
import { handshakes } from "./handshakes.ts";
import { history } from "./history.ts";
import { peers } from "./peers.ts";
import { postgresHistory } from "./postgres_history.ts";
import { presence } from "./presence.ts";
import { sockets } from "./sockets.ts";
import { sseClient } from "./sse_client.ts";
import { sseServer } from "./sse_server.ts";
import { sync } from "./sync.ts";
import { workers } from "./workers.ts";

/** All faults by area. */
export const areas: Readonly<Record<string, readonly Fault[]>> = {
  "Delivery": delivery,
  "Peers and hooks": peers,
  "Presence": presence,
  "Handshakes": handshakes,
  "Frames on Node": framing,
  "Sockets and requests": sockets,
  "Adapters and servers": adapters,
  "The client for SSE": sseClient,
  "The server of SSE": sseServer,
  "Plain Workers": workers,
  "Topics with history": history,
  "Histories over PostgreSQL": postgresHistory,
  "Other nodes": sync,
  "Users and the cluster": cluster,
  "Connections to brokers": brokers,
};

/** All faults. */
export const faults: readonly Fault[] = Object.values(areas).flat();
