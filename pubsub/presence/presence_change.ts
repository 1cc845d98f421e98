import type { Timers } from "../../common/timers.ts";
import { keyOf, type TopicName } from "../topic_options.ts";
import type { PresenceMember } from "./presence_member.ts";

/** Milliseconds for which changes are gathered before the hooks run. */
const GATHER = 50;

/**
 * Changes of the members of a topic. A member is in one list at most.
 *
 * To keep a list of members, set those of `joined` and `updated` by their ids, and remove those of
 * `left`. A list that `ws.presence` returns may contain a change already.
 */
export interface PresenceChange {
  /** The topic. */
  readonly topic: string;
  /** Members that have entered. */
  readonly joined: readonly PresenceMember[];
  /** Members with new data, and members that have left and entered again. */
  readonly updated: readonly PresenceMember[];
  /**
   * Members that have left, with their last data. Also members that have entered only just before,
   * so that they are in no earlier list.
   */
  readonly left: readonly PresenceMember[];
}

/** A member that has changed. */
interface Changed {
  readonly wasPresent: boolean;
  member: PresenceMember;
  isPresent: boolean;
}

/** Services of {@linkcode PresenceChanges}. */
export interface PresenceChangesHost {
  readonly timers: Timers;
  /** Tells the subscribers of a topic. Never throws. */
  tell(name: TopicName, change: PresenceChange): void;
  /** Called when changes begin to be gathered, with a promise that settles when all are told. */
  gathering(told: Promise<void>): void;
}

/** Gathers the changes of all topics: many peers may come and go at once. */
export class PresenceChanges {
  readonly #host: PresenceChangesHost;
  readonly #topics = new Map<
    string,
    { readonly name: TopicName; readonly members: Map<string, Changed> }
  >();
  #cancel: (() => void) | undefined;
  #told: (() => void) | undefined;

  constructor(host: PresenceChangesHost) {
    this.#host = host;
  }

  /**
   * Notes a change of one member.
   *
   * @param from the member before the change; `undefined` if it was not present.
   * @param to the member after the change; `undefined` if it has left.
   */
  add(name: TopicName, from: PresenceMember | undefined, to: PresenceMember | undefined): void {
    const member = to ?? from, key = keyOf(name);
    if (!member) return;
    let topic = this.#topics.get(key);
    if (!topic) this.#topics.set(key, topic = { name, members: new Map() });
    const isPresent = to !== undefined, known = topic.members.get(member.id);
    if (known) Object.assign(known, { member, isPresent });
    else topic.members.set(member.id, { wasPresent: from !== undefined, member, isPresent });
    if (!this.#cancel) this.#begin();
  }

  /** Drops the gathered changes. */
  close(): void {
    this.#topics.clear();
    this.#end();
  }

  #begin(): void {
    this.#cancel = this.#host.timers.after(GATHER, () => this.#flush());
    this.#host.gathering(new Promise((resolve) => this.#told = resolve));
  }

  #end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#told?.();
    this.#told = undefined;
  }

  #flush(): void {
    const topics = [...this.#topics.values()];
    this.#topics.clear();
    for (const { name, members } of topics) this.#host.tell(name, changeOf(name.topic, members));
    this.#end();
  }
}

function changeOf(topic: string, members: ReadonlyMap<string, Changed>): PresenceChange {
  const joined: PresenceMember[] = [], updated: PresenceMember[] = [], left: PresenceMember[] = [];
  for (const { member, wasPresent, isPresent } of members.values()) {
    (isPresent ? wasPresent ? updated : joined : left).push(member);
  }
  for (const list of [joined, updated, left]) Object.freeze(list); // all hooks get the same lists
  return Object.freeze({ topic, joined, updated, left });
}
