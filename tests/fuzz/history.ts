import { Buffer } from "node:buffer";
import { closeFrame, frameBytes, type FrameChoices, mutated, validFrames } from "./frame_bytes.ts";
import { type EndpointName, ENDPOINTS, maxPayloadOf } from "./endpoints.ts";
import { type FuzzedHandshake, fuzzedHandshake } from "./handshake_bytes.ts";
import { type Behaviour, behaviourOf } from "./hook_behaviour.ts";
import { Random } from "./random.ts";
import { tokenOf } from "./token.ts";

/** Way in which a client ends. */
export type Ending = "close" | "fin" | "reset" | "half a frame" | "silence";

/** Bytes that are written at once, and the wait afterwards. */
export interface Chunk {
  readonly bytes: Buffer;
  /** Milliseconds; 0 does not wait, −1 waits for a turn of the event loop. */
  readonly pauseMs: number;
}

/**
 * One connection of a client from its first byte to its last, generated from a seed and an index.
 */
export interface History {
  readonly seed: number;
  readonly index: number;
  readonly endpoint: EndpointName;
  readonly behaviour: Behaviour;
  readonly handshake: FuzzedHandshake;
  /** Whether the client sends its first frames before the answer to the handshake. */
  readonly isPipelined: boolean;
  readonly chunks: readonly Chunk[];
  /** All frames, as one stream. */
  readonly stream: Buffer;
  /** Offsets at which the frames end in the stream. */
  readonly frameEnds: readonly number[];
  /** Names of the mutations of the frames. */
  readonly mutations: readonly string[];
  readonly ending: Ending;
  /** Whether the client reads only after it has written all bytes. */
  readonly readsLate: boolean;
}

/** Returns the endpoint of a history. */
export function endpointOf(seed: number, index: number): EndpointName {
  const weights = Object.entries(ENDPOINTS).map(([name, { weight }]) => [name, weight]);
  return new Random(seed, index, 3).weighted<EndpointName>(Object.fromEntries(weights));
}

/** Returns the history of a seed and an index. `path` is the path of its endpoint. */
export function historyOf(seed: number, index: number, path: string): History {
  const endpoint = endpointOf(seed, index);
  const behaviour = behaviourOf(seed, index, endpoint);
  const random = new Random(seed, index, 4);
  const isDeflated = endpoint === "deflate" && random.chance(0.8);
  const below = random.chance(0.1) ? random.pick(["/n1", "/n2"]) : "";
  const token = tokenOf(seed, index);
  const handshake = fuzzedHandshake(random, path + below, token, isDeflated);
  const isPipelined = random.chance(0.05);
  const choices: FrameChoices = {
    maxPayload: maxPayloadOf(endpoint),
    isCompressed: isDeflated && !isPipelined,
    isLarge: random.chance(0.1),
  };
  const ending = random.weighted<Ending>({
    "close": 60,
    "fin": 12,
    "reset": 12,
    "half a frame": 10,
    "silence": 6,
  });
  const { frames, mutations } = framesOf(random, choices, ending);
  const stream = Buffer.concat(frames);
  let end = 0;
  const frameEnds = frames.map(({ length }) => end += length);
  const chunks = chopped(random, stream, frameEnds);
  const readsLate = random.chance(0.05);
  return {
    seed,
    index,
    endpoint,
    behaviour,
    handshake,
    isPipelined,
    chunks,
    stream,
    frameEnds,
    mutations,
    ending,
    readsLate,
  };
}

function framesOf(
  random: Random,
  choices: FrameChoices,
  ending: Ending,
): { readonly frames: Buffer[]; readonly mutations: string[] } {
  const length = random.weighted({ none: 3, few: 30, some: 40, many: 20, crowd: 7 });
  const count = {
    none: () => 0,
    few: () => random.between(1, 8),
    some: () => random.between(8, 60),
    many: () => random.between(60, 250),
    crowd: () => random.between(250, 700),
  }[length]();
  const breaksAt = random.chance(0.35) ? random.below(count + 1) : -1;
  const frames: Buffer[] = [], mutations: string[] = [];
  while (frames.length < count || frames.length <= breaksAt) {
    const valid = validFrames(random, choices);
    if (breaksAt >= frames.length && breaksAt < frames.length + valid.length) {
      const { how, bytes } = mutated(random, valid[0]!, choices);
      mutations.push(`${how} at frame ${frames.length}`);
      frames.push(bytes);
    }
    frames.push(...valid);
  }
  if (ending === "close") frames.push(closeFrame(random));
  if (ending === "close" && random.chance(0.1)) frames.push(...validFrames(random, choices));
  if (ending === "half a frame") {
    const whole = frameBytes(random, { first: 0x82, payload: random.bytes(50) });
    frames.push(whole.subarray(0, random.between(1, whole.length - 1)));
  }
  return { frames, mutations };
}

function chopped(random: Random, stream: Buffer, frameEnds: readonly number[]): Chunk[] {
  const how = random.weighted({ whole: 30, frames: 15, chunks: 45, bytes: 5 });
  const cuts = new Set<number>();
  if (how === "frames") { for (const end of frameEnds.slice(0, 30)) cuts.add(end); }
  if (how === "chunks") {
    for (let n = random.between(1, 12); n > 0; n--) cuts.add(random.below(stream.length + 1));
  }
  if (how === "bytes") {
    const first = random.below(Math.max(1, stream.length - 40));
    for (let at = first; at < first + 40; at++) cuts.add(at);
  }
  const ends = [...cuts].filter((at) => at > 0 && at < stream.length).sort((a, b) => a - b);
  let from = 0;
  return [...ends, stream.length].map((to) => {
    const bytes = stream.subarray(from, to);
    from = to;
    return { bytes, pauseMs: random.pick([0, 0, 0, -1, -1, random.between(1, 4)]) };
  });
}
