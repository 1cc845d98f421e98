/** One received event. */
export interface RawEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Parts of a message to post by hand; all other parts are correct. */
export interface PostOptions {
  readonly sequence?: number | string | null;
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** Answer to a request of a session. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Body of a refusal. */
  readonly code?: string;
  readonly expected?: number;
}

/** A session of server-sent events in which a test controls every request. */
export class RawEventStream {
  readonly response: Response;
  /** Number of received comments. */
  comments = 0;
  /** Session token, if the server has sent one. */
  readonly token: string;
  readonly #url: string;
  readonly #abort: AbortController;
  readonly #reader: ReadableStreamDefaultReader<string> | undefined;
  #text = "";
  #sequence = 1;

  private constructor(url: string, response: Response, abort: AbortController) {
    this.#url = url;
    this.response = response;
    this.token = response.headers.get("onepeer-session") ?? "";
    this.#abort = abort;
    this.#reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Requests a stream. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<RawEventStream> {
    const abort = new AbortController();
    const response = await fetch(url, {
      headers: { accept: "text/event-stream", ...headers },
      signal: abort.signal,
    });
    return new RawEventStream(url, response, abort);
  }

  /** Requests the events after an event of this session. */
  async resume(sequence: number | string, headers = {}): Promise<RawEventStream> {
    const id = `${this.token}.${sequence}`;
    return await RawEventStream.open(this.#url, { "last-event-id": id, ...headers });
  }

  /** Waits for the next event; `undefined` at the end of the response. */
  async next(): Promise<RawEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        if (!block.startsWith(":")) return parse(block);
        this.comments++;
        continue;
      }
      const chunk = await this.#reader?.read().catch(() => undefined);
      if (!chunk || chunk.done) return undefined;
      this.#text += chunk.value;
    }
  }

  /** Returns the data of the next `count` events. */
  async data(count: number): Promise<string[]> {
    const found: string[] = [];
    for (let i = 0; i < count; i++) found.push((await this.next())?.data ?? "(the end)");
    return found;
  }

  /** Posts a message, by default with the next sequence number. */
  async post(
    body: BodyInit,
    { sequence = this.#sequence, headers = {} }: PostOptions = {},
  ): Promise<Answer> {
    const answer = await this.#send("POST", body, {
      "content-type": typeof body === "string"
        ? "text/plain;charset=utf-8"
        : "application/octet-stream",
      "onepeer-sequence": sequence === null ? null : `${sequence}`,
      ...headers,
    });
    if (answer.status === 204) this.#sequence++;
    return answer;
  }

  /** Closes as a client does. */
  close(details?: object, headers = {}): Promise<Answer> {
    return this.#send("DELETE", details ? JSON.stringify(details) : "", headers);
  }

  /** Cuts the connection. */
  drop(): void {
    this.#abort.abort();
    this.#reader?.cancel().catch(() => {});
  }

  /** Ends the session, if it has started. */
  terminate(): void {
    this.drop();
    this.close().catch(() => {});
  }

  async #send(
    method: string,
    body: BodyInit,
    headers: Readonly<Record<string, string | null>>,
  ): Promise<Answer> {
    const all = Object.entries({ "onepeer-session": this.token, ...headers })
      .filter((header): header is [string, string] => header[1] !== null);
    const response = await fetch(this.#url, { method, body, headers: all });
    const text = await response.text();
    const { status } = response;
    const isJson = response.headers.get("content-type") === "application/json";
    return { status, headers: response.headers, ...isJson ? JSON.parse(text) : {} };
  }
}

function parse(block: string): RawEvent {
  const found = { id: "", event: "message", data: [] as string[] };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w+): ?([^]*)$/.exec(line) ?? [];
    if (field === "data") found.data.push(value!);
    else if (field === "id" || field === "event") found[field] = value!;
  }
  return { ...found, data: found.data.join("\n") };
}
