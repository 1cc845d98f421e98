/**
 * A chat written by hand on the hibernation API. The state of a client is JSON text on its socket, or
 * in the object's storage if the text is too long. The first publish after a wake builds an index by
 * topic.
 *
 * @module
 */
import { socketPair } from "../../../shims/workerd/upgrade.ts";
import type { CloudflareSocket } from "../../../shims/workerd/workerd.ts";
import { readCommand } from "../commands.ts";
import { type ClassOf, contextOf, type MemberContext, stateText, topicsOf } from "../durable.ts";

interface Member {
  readonly id: string;
  readonly topics: readonly string[];
  readonly context: MemberContext | null;
}

/** Most characters that fit into an attachment, whatever their encoding. */
const MAX_ATTACHMENT = 8000;

export const classOf: ClassOf = (base) =>
  class extends base {
    readonly #members = new Map<CloudflareSocket, Member>();
    #index: Map<string, Set<CloudflareSocket>> | undefined;

    fetch({ url }: Request): Promise<Response> {
      const [client, socket] = socketPair();
      this.ctx.acceptWebSocket(socket as never);
      const id = crypto.randomUUID();
      const member: Member = { id, topics: topicsOf(url), context: contextOf(url) ?? null };
      this.#members.set(socket, member);
      this.#save(socket, member);
      if (this.#index) join(this.#index, socket, member);
      const init = { status: 101, webSocket: client };
      return Promise.resolve(new Response(null, init as ResponseInit));
    }

    webSocketMessage(native: object, text: string): void {
      const socket = native as CloudflareSocket;
      if (text[0] === "p") return this.#publish(socket, text);
      const member = this.#memberOf(socket);
      if (text !== "read" && member.context) {
        member.context.count++;
        this.#save(socket, member);
      }
      if (text !== "count") socket.send(stateText(member.context ?? undefined));
    }

    webSocketClose(socket: CloudflareSocket, code: number, reason: string): void {
      const { id, topics } = this.#memberOf(socket);
      for (const topic of topics) this.#index?.get(topic)?.delete(socket);
      this.#members.delete(socket);
      this.ctx.storage.kv!.delete(id);
      socket.close(code === 1005 || code === 1006 ? 1000 : code, reason);
    }

    #publish(from: CloudflareSocket, text: string): void {
      const { topic, times } = readCommand(text);
      this.#index ??= this.#indexAll();
      for (let i = 0; i < times; i++) {
        for (const socket of this.#index.get(topic) ?? []) if (socket !== from) socket.send(text);
      }
    }

    #indexAll(): Map<string, Set<CloudflareSocket>> {
      const index = new Map<string, Set<CloudflareSocket>>();
      for (const socket of this.ctx.getWebSockets()) join(index, socket, this.#memberOf(socket));
      return index;
    }

    #memberOf(socket: CloudflareSocket): Member {
      const known = this.#members.get(socket);
      if (known) return known;
      const attachment = socket.deserializeAttachment() as string;
      const isText = attachment.startsWith("{");
      const text = isText ? attachment : this.ctx.storage.kv!.get(attachment) as string;
      const member: Member = JSON.parse(text);
      this.#members.set(socket, member);
      return member;
    }

    #save(socket: CloudflareSocket, member: Member): void {
      const text = JSON.stringify(member);
      if (text.length <= MAX_ATTACHMENT) return socket.serializeAttachment(text);
      this.ctx.storage.kv!.put(member.id, text);
      socket.serializeAttachment(member.id);
    }
  };

function join(
  index: Map<string, Set<CloudflareSocket>>,
  socket: CloudflareSocket,
  { topics }: Member,
): void {
  for (const topic of topics) {
    const sockets = index.get(topic) ?? new Set();
    index.set(topic, sockets.add(socket));
  }
}

export { benchObject, benchWorker } from "../durable.ts";
