import { announce } from "../protocol.ts";
import { fetch } from "./handler.ts";

/** The types of Bun that this file uses. Bun's own types would change the globals of other files. */
interface Bun {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    /** Seconds of silence after which a connection ends; 0 for never. */
    readonly idleTimeout: number;
    readonly fetch: (request: Request, server: object) => Promise<Response>;
  }): { readonly port: number };
}

const { Bun } = globalThis as unknown as { Bun: Bun };
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch });
announce(server.port);
