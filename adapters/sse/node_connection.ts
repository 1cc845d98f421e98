/** A request of srvx on Node. */
export interface ServedByNode extends Request {
  readonly runtime?: { readonly node?: { readonly req?: NodeRequest } };
}

/** Members of Node's `IncomingMessage` that are used. */
export interface NodeRequest {
  readonly destroyed: boolean;
  readonly httpVersionMajor: number;
  readonly socket: NodeSocket;
  on(event: string, listener: (chunk: Uint8Array<ArrayBuffer>) => void): unknown;
}

interface NodeSocket {
  readonly destroyed: boolean;
  once(event: "close", listener: () => void): unknown;
}

/** Listeners by connection. Node warns about more than ten listeners of its own on one socket. */
const listeners = new WeakMap<NodeSocket, Set<() => void>>();

/**
 * Calls `ended` when the connection of a request ends, at once if it has ended. Returns a function
 * that stops watching.
 *
 * Before Node 24, a response that is queued behind another one (HTTP/1.1 pipelining) does not
 * report the end of its connection. Other runtimes answer one request after the other.
 */
export function watchConnection(request: Request, ended: () => void): () => void {
  const { req } = (request as ServedByNode).runtime?.node ?? {};
  if (req?.httpVersionMajor !== 1) return () => {};
  const { socket } = req;
  if (socket.destroyed) ended();
  const all = listeners.get(socket) ?? new Set();
  if (!listeners.has(socket)) {
    listeners.set(socket, all);
    socket.once("close", () => {
      for (const listener of all) listener();
    });
  }
  all.add(ended);
  return () => void all.delete(ended);
}
