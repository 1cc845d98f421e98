/**
 * What the bench and programs over server-sent events have agreed on.
 *
 * - `GET /topics?topic=00042` opens a stream of events, and listens to that topic.
 * - `POST /publish` with `p00042x10…` publishes that, all of it, ten times in one turn, to topic 42.
 * - `POST /post` brings a message, which nobody answers.
 * - `GET /received` is answered by `received` and how many of these there were.
 *
 * @module
 */
import process from "node:process";
import { readCommand } from "../commands.ts";
import { count } from "./received.ts";

/** What a toolkit does. */
interface Served {
  /** Answers who asks for a stream of events, or brings a message. */
  handle(request: Request, info?: object): Response | Promise<Response>;
  publish(topic: string, text: string): void;
}

const served: Readonly<Record<string, () => Promise<Served>>> = {
  bare: () => import("./bare.ts"),
  onepeer: () => import("./onepeer.ts"),
  crossws: () => import("./crossws.ts"),
};

const toolkit = await served[process.argv[3]!]!();

/** Answers any request; `info` is what the server gives beside it. */
export async function fetch(request: Request, info?: object): Promise<Response> {
  if (request.url.endsWith("/received")) return new Response(`received ${count()}`);
  if (!request.url.endsWith("/publish")) return await toolkit.handle(request, info);
  const text = await request.text();
  const { topic, times } = readCommand(text);
  for (let i = 0; i < times; i++) toolkit.publish(topic, text);
  return new Response(null, { status: 204 });
}
