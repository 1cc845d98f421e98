import { Buffer } from "node:buffer";
import type { AppendOptions, HistoryPage, HistoryStore, ReadOptions } from "../../pubsub/broker.ts";
import { escapeName } from "../../pubsub/channel.ts";
import { type Position, randomEpoch } from "../../pubsub/history/position.ts";
import type { RedisCommand } from "./clients.ts";

/**
 * Returns the era: a random name that all histories of a server's data share. Redis may come back
 * from an old snapshot, or as a replica that lags: then its `run_id` is another one, and a new era
 * begins. Histories of an earlier era are not found, and expire.
 *
 * KEYS: `run_id` of the era, era. ARGV: name of a new era.
 */
const ERA = `
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local era = redis.call('GET', KEYS[2])
if not era or (run ~= '' and redis.call('GET', KEYS[1]) ~= run) then
  era = ARGV[1]
  redis.call('SET', KEYS[1], run)
  redis.call('SET', KEYS[2], era)
end
return era`;

/** Fails if the era has ended, and defines `last`: the id of the newest entry, or `false`. */
const BEGIN = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('ERA has ended') end
local function last()
  local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
  if info.err then
    if string.find(info.err, 'no such key') then return false end
    error(info.err)
  end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end`;

/**
 * Adds frames, and publishes them with the id of the first.
 *
 * KEYS: stream, era, key of the commit. ARGV: era, new epoch, channel, size, time to live, frames.
 */
const APPEND = `${BEGIN}
if KEYS[3] then
  local known = redis.call('GET', KEYS[3])
  if known then return known end
end
local epoch, top = string.match(last() or (ARGV[2] .. '-0'), '^(%d+)-(%d+)$')
local first = string.format('%s-%.0f', epoch, top + 1)
local parts = {first, ':'}
for i = 6, #ARGV do
  local id = string.format('%s-%.0f', epoch, top + i - 5)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], id, 'f', ARGV[i])
  parts[#parts + 1] = struct.pack('>I4', #ARGV[i])
  parts[#parts + 1] = ARGV[i]
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if KEYS[3] then redis.call('SET', KEYS[3], first, 'PX', ARGV[5]) end
redis.call('PUBLISH', ARGV[3], table.concat(parts))
return first`;

/** Most bytes of frames that one answer has, besides the last frame. */
const MAX_ANSWER = 256 * 1024;

/**
 * Returns the id of the newest entry, and entries up to a limit in bytes, the newest first.
 *
 * KEYS: stream, era. ARGV: era, new epoch, epoch and offset of the first wanted frame, most frames,
 * time to live of a new history, id of the last wanted frame.
 */
const READ = `${BEGIN}
local top = last()
if not top then
  top = ARGV[2] .. '-0'
  redis.call('XADD', KEYS[1], top, 'f', '')
  redis.call('XDEL', KEYS[1], top)
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
local from, to, left = '-', ARGV[7], tonumber(ARGV[5])
if string.match(top, '^%d+') == ARGV[3] then from = ARGV[3] .. '-' .. ARGV[4] end
local found, bytes = {}, 0
while left > 0 and bytes < ${MAX_ANSWER} do
  local most = math.min(left, 16)
  local page = redis.call('XREVRANGE', KEYS[1], to, from, 'COUNT', most)
  for _, entry in ipairs(page) do
    found[#found + 1] = entry
    bytes = bytes + #entry[2][2]
  end
  if #page < most then break end
  local epoch, offset = string.match(page[#page][1], '^(%d+)-(%d+)$')
  if offset == '0' then break end
  left = left - #page
  to = string.format('%s-%.0f', epoch, offset - 1)
end
return {top, found}`;

/** Most bytes that one call reads: a node keeps no more. */
const MAX_BYTES = 16 * 1024 * 1024;
/** An entry of a stream: its id, and its only field and value. */
type Entry = readonly [id: unknown, fields: readonly [name: unknown, frame: Uint8Array]];

/** Most times that a call begins again because the era has ended. */
const MAX_ATTEMPTS = 3;
const ERA_HAS_ENDED = /\bERA has ended/;
const ID = /^(\d{1,16})-(\d{1,15})$/;
/** Longest id of a published message, and the code of `:`, which ends it. */
const MAX_ID = 32, COLON = 0x3a;
const ZERO = 0x30, NINE = 0x39;

/** Sends a command. Resolves with the answer, whose texts are buffers. */
export type Send = (command: RedisCommand, bytes: number) => Promise<unknown>;

/**
 * Histories as streams of Redis, over one connection. The id of an entry is its position:
 * `<epoch>-<offset>`.
 */
export class RedisHistory implements HistoryStore {
  readonly #prefix: string;
  readonly #send: Send;
  #era: Promise<string> | undefined;

  constructor(prefix: string, send: Send) {
    this.#prefix = prefix;
    this.#send = send;
  }

  async append(
    channel: string,
    frames: readonly Uint8Array<ArrayBuffer>[],
    { size, ttl, key }: AppendOptions,
  ): Promise<Position> {
    const bytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const args = frames.map(({ buffer, byteOffset, byteLength }) => {
      return Buffer.from(buffer, byteOffset, byteLength);
    });
    const id = await this.#inEra(async (era) => {
      const keys = [this.#stream(era, channel), this.#eraKey];
      if (key !== undefined) keys.push(`${this.#prefix}:k:${era}:${channel}:${escapeName(key)}`);
      const given = [era, `${randomEpoch()}`, `${this.#prefix}:t:${channel}`, `${size}`, `${ttl}`];
      return await this.#send(
        ["eval", APPEND, `${keys.length}`, ...keys, ...given, ...args],
        bytes,
      );
    });
    return positionOf(id);
  }

  async read(
    channel: string,
    since: Position | undefined,
    { limit, ttl }: ReadOptions,
  ): Promise<HistoryPage> {
    const frames: Uint8Array[] = [];
    let top: Position | undefined, bytes = 0;
    // Several short answers: a slow connection with a long one would look dead.
    for (let to = "+";;) {
      const page = await this.#page(channel, since, to, limit - frames.length, ttl);
      top ??= page.top;
      const before = frames.length;
      for (const [id, [, frame]] of page.entries) {
        const { epoch, offset } = positionOf(id);
        // Entries that another program has added or deleted leave a gap: only newer ones count.
        if (epoch !== top.epoch || offset !== top.offset - frames.length) break;
        frames.push(frame);
        bytes += frame.byteLength;
      }
      const next = top.offset - frames.length, isSame = page.top.epoch === top.epoch;
      const first = since?.epoch === top.epoch ? since.offset + 1 : 1;
      const isOver = frames.length === before || frames.length >= limit || next < first;
      if (isOver || !isSame || bytes >= MAX_BYTES) return { top, frames: frames.reverse() };
      to = `${top.epoch}-${next}`;
    }
  }

  async #page(
    channel: string,
    since: Position | undefined,
    to: string,
    limit: number,
    ttl: number,
  ): Promise<{ readonly top: Position; readonly entries: readonly Entry[] }> {
    const { epoch, offset } = since ?? { epoch: 0, offset: 0 };
    const [id, entries] = await this.#inEra(async (era) => {
      const from = [`${epoch}`, `${offset + 1}`], given = [`${limit}`, `${ttl}`, to];
      const keys = [this.#stream(era, channel), this.#eraKey];
      const command = ["eval", READ, "2", ...keys, era, `${randomEpoch()}`, ...from, ...given];
      return await this.#send(command as [string, ...string[]], 0);
    }) as [unknown, readonly Entry[]];
    return { top: positionOf(id), entries };
  }

  get #eraKey(): string {
    return `${this.#prefix}:era`;
  }

  #stream(era: string, channel: string): string {
    return `${this.#prefix}:s:${era}:${channel}`;
  }

  /** Calls `run` with the present era, and again if the era has ended meanwhile. */
  async #inEra(run: (era: string) => Promise<unknown>): Promise<unknown> {
    for (let attempt = 1;; attempt++) {
      const era = this.#era ??= this.#askEra();
      try {
        return await run(await era);
      } catch (error) {
        if (this.#era === era) this.#era = undefined;
        const hasEnded = error instanceof Error && ERA_HAS_ENDED.test(error.message);
        if (!hasEnded || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #askEra(): Promise<string> {
    const keys = [`${this.#prefix}:run`, this.#eraKey];
    return `${await this.#send(["eval", ERA, "2", ...keys, crypto.randomUUID()], 0)}`;
  }
}

/** @throws {Error} for text that is no id of our entries. */
function positionOf(id: unknown): Position {
  const [, epoch, offset] = ID.exec(`${id}`) ?? [];
  if (epoch === undefined) throw new Error(`Redis has returned a wrong id: ${String(id)}`);
  return { epoch: Number(epoch), offset: Number(offset) };
}

/** Reads what {@linkcode APPEND} publishes; `undefined` for other bytes. Other frames begin with no digit. */
export function readAppended(
  bytes: Uint8Array,
): { readonly first: Position; readonly frames: readonly Uint8Array[] } | undefined {
  if (!(bytes[0]! >= ZERO && bytes[0]! <= NINE)) return undefined;
  const end = bytes.subarray(0, MAX_ID).indexOf(COLON);
  const [, epoch, offset] = ID.exec(String.fromCharCode(...bytes.subarray(0, Math.max(end, 0)))) ??
    [];
  if (epoch === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = end + 1; at < bytes.byteLength;) {
    if (at + 4 > bytes.byteLength) return undefined;
    const length = view.getUint32(at);
    at += 4;
    if (length > bytes.byteLength - at) return undefined;
    frames.push(bytes.subarray(at, at += length));
  }
  return { first: { epoch: Number(epoch), offset: Number(offset) }, frames };
}
