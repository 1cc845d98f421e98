/**
 * The protocol between the bench and the programs for server-sent events.
 *
 * - `GET /topics?topic=00042` opens a stream of events, and subscribes to topic `00042`.
 * - `POST /publish` with `p00042x10…` publishes the text ten times in one turn to topic `00042`.
 * - `POST /post` carries a message, and gets no message back.
 * - `GET /received` returns `received` and the number of posted messages.
 *
 * @module
 */
import process from "node:process";
import { readCommand } from "../commands.ts";
import { count } from "./received.ts";

/** The part of a server that a toolkit implements. */
interface Served {
  /** Handles requests for a stream of events, and posted messages. */
  handle(request: Request, info?: object): Response | Promise<Response>;
  publish(topic: string, text: string): void;
}

const served: Readonly<Record<string, () => Promise<Served>>> = {
  bare: () => import("./bare.ts"),
  onepeer: () => import("./onepeer.ts"),
  crossws: () => import("./crossws.ts"),
};

const toolkit = await served[process.argv[3]!]!();

/** Handles any request; `info` is the server's second argument. */
export async function fetch(request: Request, info?: object): Promise<Response> {
  if (request.url.endsWith("/received")) return new Response(`received ${count()}`);
  if (!request.url.endsWith("/publish")) return await toolkit.handle(request, info);
  const text = await request.text();
  const { topic, times } = readCommand(text);
  for (let i = 0; i < times; i++) toolkit.publish(topic, text);
  return new Response(null, { status: 204 });
}
