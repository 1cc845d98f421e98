/** The types of uWebSockets.js that the servers use, and its import from the bench's folder. */
import { createRequire } from "node:module";
import process from "node:process";
import type { UwsApp, UwsContext, UwsRequest, UwsResponse } from "../../adapters/uws.ts";

export interface App extends UwsApp {
  ws(pattern: string, behavior: object): App;
  get(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): App;
  listen(host: string, port: number, callback: (token: object | false) => void): App;
}

/** A socket of {@linkcode App}. */
export interface Socket {
  readonly topic?: string;
  send(message: ArrayBuffer | string, isBinary: boolean, compress?: boolean): number;
  subscribe(topic: string): boolean;
  publish(topic: string, message: ArrayBuffer, isBinary: boolean, compress?: boolean): boolean;
}

/** The response to a handshake, with the user data of the bare server. */
export interface Response {
  upgrade(
    data: { readonly topic: string | undefined },
    key: string,
    protocol: string,
    extensions: string,
    context: UwsContext,
  ): void;
}

export type { UwsContext, UwsRequest };

interface Uws {
  App(): App;
  us_socket_local_port(token: object): number;
  readonly SHARED_COMPRESSOR: number;
}

export const uws: Uws = createRequire(import.meta.url)(process.env.UWS_PATH!);

/** Listens on a free port. */
export function listen(app: App, listening: (port: number) => void): void {
  app.listen("127.0.0.1", 0, (token) => {
    if (!token) throw new Error("uWebSockets.js does not listen");
    listening(uws.us_socket_local_port(token));
  });
}
