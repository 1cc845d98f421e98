import { isSendableCloseCode, isSendableReason } from "../../socket/close_code.ts";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { MAX_PRESENCE_DATA, type PresenceMember } from "../presence/presence_member.ts";
import type { TopicName } from "../topic_options.ts";

/** Every node tells the others every two seconds that it is alive. */
export interface Beat {
  readonly type: "beat";
  readonly peers: number;
  /** Changes if the node may have failed to send a change: then the others ask it again. */
  readonly losses: number;
  /** Whether any topic has a member on the node. */
  readonly hasMembers: boolean;
  /** Whether the node is new, and asks the others for their beats. */
  readonly isNew: boolean;
}

/** A node ends. */
export interface Bye {
  readonly type: "bye";
}

/**
 * Changes of the members of a topic on one node, on the channel of the topic. Without members, it
 * only repeats the version.
 */
export interface MembersChange {
  readonly type: "members";
  /** Version that this change follows; 0 if the topic had no member on the node. */
  readonly from: number;
  /** Version after the change. The versions of all topics of a node are of one counter. */
  readonly to: number;
  /** Members that have entered, or have new data. */
  readonly set: readonly PresenceMember[];
  /** Ids of the members that have left. */
  readonly gone: readonly string[];
}

/** Asks a node, or all nodes, for the members of topics. */
export interface AskMembers {
  readonly type: "ask";
  readonly id: number;
  readonly topics: readonly TopicName[];
}

/** A part of the answer to {@linkcode AskMembers}. */
export interface MembersAnswer {
  readonly type: "answer";
  readonly id: number;
  /** Counter of versions when the question was answered. */
  readonly now: number;
  /** Topics of the question with members on the node. A topic with many members comes in parts. */
  readonly topics: readonly TopicMembers[];
  /** Topics of the question without members on the node. */
  readonly empty: readonly TopicName[];
  /** Whether this is the last part. */
  readonly isLast: boolean;
}

/** Members of a topic on one node. */
export interface TopicMembers extends TopicName {
  readonly version: number;
  readonly members: readonly PresenceMember[];
  /** Number of members in all parts. */
  readonly total: number;
  /** Whether more members follow, in the next part of the answer. */
  readonly hasMore: boolean;
}

/** Asks all nodes to close peers. */
export interface AskClose {
  readonly type: "close";
  readonly id: number;
  readonly code: number;
  readonly reason: string;
  readonly user?: string | undefined;
}

/** The answer to {@linkcode AskClose}. */
export interface Closed {
  readonly type: "closed";
  readonly id: number;
  readonly closed: number;
}

/** A message from node to node. No client sees it. */
export type ControlMessage =
  | Beat
  | Bye
  | MembersChange
  | AskMembers
  | MembersAnswer
  | AskClose
  | Closed;

/** Returns the message of a frame; `undefined` if it is none. */
export function parseControl({ payload }: OutgoingFrame): ControlMessage | undefined {
  if (typeof payload !== "string") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return undefined;
  }
  const { type } = Object(value);
  if (typeof type !== "string" || !Object.hasOwn(FIELDS, type)) return undefined;
  return hasFields(value, FIELDS[type as ControlMessage["type"]])
    ? value as ControlMessage
    : undefined;
}

/** Most levels of nested JSON in the data of a member: each one has two brackets. */
const MAX_DEPTH = MAX_PRESENCE_DATA / 2;

type Check = (value: unknown) => boolean;
type Checks = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const listOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const isCode: Check = (value) => isSendableCloseCode(value as number);
const isReason: Check = (value) => typeof value === "string" && isSendableReason(value);
const isMember: Check = (value) =>
  hasFields(value, { id: isText, data: (data) => isShallow(data) });
const isTopic: Check = (value) => hasFields(value, { namespace: isText, topic: isText });
const isTopicMembers: Check = (value) =>
  isTopic(value) &&
  hasFields(value, {
    version: isCount,
    members: listOf(isMember),
    total: isCount,
    hasMore: isFlag,
  });

const FIELDS: Readonly<Record<ControlMessage["type"], Checks>> = {
  beat: { peers: isCount, losses: isCount, hasMembers: isFlag, isNew: isFlag },
  bye: {},
  members: { from: isCount, to: isCount, set: listOf(isMember), gone: listOf(isText) },
  ask: { id: isCount, topics: listOf(isTopic) },
  answer: {
    id: isCount,
    now: isCount,
    topics: listOf(isTopicMembers),
    empty: listOf(isTopic),
    isLast: isFlag,
  },
  close: {
    id: isCount,
    code: isCode,
    reason: isReason,
    user: (value) => value === undefined || isText(value),
  },
  closed: { id: isCount, closed: isCount },
};

/** Whether a value is nested no deeper than data of members can be: deeper ones overflow the stack. */
function isShallow(value: unknown, left = MAX_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (left === 0) return false;
  for (const part of Object.values(value)) if (!isShallow(part, left - 1)) return false;
  return true;
}

function hasFields(value: unknown, checks: Checks): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(checks).every(([name, check]) =>
    check((value as Record<string, unknown>)[name])
  );
}
