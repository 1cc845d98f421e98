import { isSameData, memberOfNode, type PresenceMember } from "../presence/presence_member.ts";
import type { MembersChange, TopicMembers } from "./control_message.ts";

/** Most changes that wait for an answer. Beyond, the members are asked for again. */
const MAX_WAITING = 1000;

/**
 * Called for each member that has changed, see `PresenceChanges.add`.
 *
 * @param isNew whether the change has happened since this node hears the topic, as far as is known.
 */
export type MemberChanged = (
  from: PresenceMember | undefined,
  to: PresenceMember | undefined,
  isNew: boolean,
) => void;

/** The members of one topic on one other node, as far as this node knows them. */
export class OwnerMembers {
  readonly #members = new Map<string, PresenceMember>();
  readonly #changed: MemberChanged;
  /** Version of the latest change; 0 if there was none. */
  #version = 0;
  /** Changes since one was missed; `undefined` if none was. */
  #waiting: MembersChange[] | undefined;
  /** Members of the parts of an answer that have arrived, and the number of the question. */
  #parts: PresenceMember[] = [];
  #partsOf = 0;
  #hasNewPart = false;

  constructor(changed: MemberChanged) {
    this.#changed = changed;
  }

  /** The members. */
  get members(): Iterable<PresenceMember> {
    return this.#members.values();
  }

  /** Whether nothing is known of the node. */
  get isEmpty(): boolean {
    return this.#members.size === 0 && !this.#waiting;
  }

  /** Whether a change was missed. Then the node must be asked. */
  get isBroken(): boolean {
    return this.#waiting !== undefined;
  }

  /** Returns whether a part of an answer that goes on has arrived since the last call. */
  takeNewPart(): boolean {
    const hasNewPart = this.#hasNewPart;
    this.#hasNewPart = false;
    return hasNewPart;
  }

  /** Applies a change. Afterwards {@linkcode isBroken} tells whether an earlier change is missing. */
  apply(change: MembersChange): void {
    const { from, to, set, gone } = change;
    if (this.#waiting) {
      // A question that is open brings all of these changes, or is asked again.
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(change);
      return;
    }
    const follows = from === this.#version || from === 0 && this.#members.size === 0;
    if (!follows) {
      // Changes may come late, after an answer that contains them. What only tells the version comes
      // again and again, so a version that another program has forged does not stay.
      if (to > this.#version || from === to) this.#waiting = [change];
      return;
    }
    this.#version = to;
    for (const member of set) this.#set(memberOfNode(member), true);
    for (const id of gone) this.#delete(id, true);
  }

  /**
   * Takes an answer of the node, or a part of it.
   *
   * @param id number of the question.
   * @param now the node's counter of versions at the time of the answer.
   */
  answered(id: number, now: number, answer: Omit<TopicMembers, "namespace" | "topic">): void {
    const { version, members, total, hasMore } = answer;
    if (this.#partsOf !== id) this.#parts = []; // the rest of another answer was lost
    this.#partsOf = id;
    this.#hasNewPart = hasMore;
    for (const member of members) this.#parts.push(member); // there may be more than arguments can be
    if (hasMore) return;
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length !== total) { // a part was lost
      this.#waiting ??= [];
      return;
    }
    if (!this.#waiting && this.#version > now) return; // a change has overtaken the answer
    this.#replace(version, parts, now);
  }

  #replace(version: number, parts: readonly PresenceMember[], now: number): void {
    const waiting = this.#waiting ?? [], ids = new Set(parts.map(({ id }) => id));
    this.#waiting = undefined;
    this.#version = version;
    for (const id of [...this.#members.keys()]) if (!ids.has(id)) this.#delete(id, false);
    const heard = new Set(waiting.flatMap(({ set }) => set.map(({ id }) => id)));
    for (const member of parts) this.#set(memberOfNode(member), heard.has(member.id));
    for (const change of waiting) if (change.to > now) this.apply(change);
  }

  /** The node has gone, and all its members with it. */
  end(): void {
    for (const id of [...this.#members.keys()]) this.#delete(id, true);
  }

  #set(member: PresenceMember, isNew: boolean): void {
    const known = this.#members.get(member.id);
    if (known && isSameData(known, member)) return;
    this.#members.set(member.id, member);
    this.#changed(known, member, isNew);
  }

  #delete(id: string, isNew: boolean): void {
    const known = this.#members.get(id);
    if (known && this.#members.delete(id)) this.#changed(known, undefined, isNew);
  }
}
