/** The types of Bun that the servers use. Bun's own types would change the globals of other files. */
export interface BunOptions<Server> {
  readonly hostname: string;
  readonly port: number;
  readonly websocket: object;
  readonly fetch: (
    request: Request,
    server: Server,
  ) => Response | undefined | Promise<Response | undefined>;
}

/** The result of `Bun.serve`. */
export interface Server {
  readonly port: number;
  upgrade(request: Request, options: { readonly data: unknown }): boolean;
}

/** A socket of Bun. */
export interface Socket {
  readonly data: { readonly topic?: string };
  send(message: string | Uint8Array): number;
  subscribe(topic: string): void;
  publish(topic: string, message: string, compress?: boolean): number;
}

/** Calls `Bun.serve` on a free port. */
export function serve<S>(options: Pick<BunOptions<S>, "websocket" | "fetch">): Server {
  const { Bun } = globalThis as unknown as { Bun: { serve(options: BunOptions<S>): Server } };
  return Bun.serve({ hostname: "127.0.0.1", port: 0, ...options });
}
