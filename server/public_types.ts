/**
 * Types that every entry of `server/` exports.
 *
 * @module
 */
export type {
  HttpServer,
  HttpServerPlugin,
  RuntimeName,
  ServeOptions,
  Server,
  WebSocketOptions,
} from "./serve.ts";
