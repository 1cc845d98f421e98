import { announce } from "../protocol.ts";
import { fetch } from "./handler.ts";

/** The part of Bun that is used; the whole of its types would leak into the others. */
interface Bun {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    /** Seconds of silence after which a line ends; 0 for never. */
    readonly idleTimeout: number;
    readonly fetch: (request: Request, server: object) => Promise<Response>;
  }): { readonly port: number };
}

const { Bun } = globalThis as unknown as { Bun: Bun };
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch });
announce(server.port);
