/**
 * Types that every entry of `server/` exports.
 *
 * @module
 */
export type { ServerInfo } from "../adapters/sse.ts";
export type { ListenOptions } from "./listen_options.ts";
export type {
  HttpServer,
  HttpServerPlugin,
  RuntimeName,
  ServeOptions,
  Server,
  WebSocketOptions,
} from "./serve.ts";
