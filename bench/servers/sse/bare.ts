/** A server without a toolkit: streams in a map of sets, and posts whose bodies are read. */
import { topicOf } from "../commands.ts";
import { countMessage } from "./received.ts";

type Stream = ReadableStreamDefaultController<Uint8Array>;

const topics = new Map<string, Set<Stream>>();
const utf8 = new TextEncoder();

export async function handle(request: Request): Promise<Response> {
  if (request.method === "POST") {
    countMessage(await request.text());
    return new Response(null, { status: 204 });
  }
  const streams = streamsOf(topicOf(request.url)!);
  let stream: Stream;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      streams.add(stream = controller);
      controller.enqueue(utf8.encode(": welcome\n\n"));
    },
    cancel: () => void streams.delete(stream),
  });
  const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
  return new Response(body, { headers });
}

export function publish(topic: string, text: string): void {
  const event = utf8.encode(`data: ${text}\n\n`);
  for (const stream of streamsOf(topic)) stream.enqueue(event);
}

function streamsOf(topic: string): Set<Stream> {
  const streams = topics.get(topic) ?? new Set();
  topics.set(topic, streams);
  return streams;
}
