import type { Limits } from "../common/limits.ts";
import type { Timers } from "../common/timers.ts";
import type { Peer } from "../peer.ts";
import { HistoryHub } from "../pubsub/history/history_hub.ts";
import type { HistoryStorage } from "../pubsub/history/history_storage.ts";
import { LocalHistory } from "../pubsub/history/local_history.ts";
import { Hub } from "../pubsub/hub.ts";
import { Presence, type PresenceKeeper } from "../pubsub/presence/presence.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import { SyncedHub } from "../pubsub/synced_hub.ts";
import { USER_NAMESPACE, Users } from "../pubsub/users.ts";
import { TopicRules } from "../pubsub/topic_options.ts";
import { closePeers, Cluster } from "./cluster.ts";
import { FailureReporter } from "./failure_reporter.ts";
import { Gaps } from "./gaps.ts";
import type { EndpointOptions } from "./options.ts";
import { UserCloses } from "./user_closes.ts";

/** The hub of an endpoint, and the parts of it that its options add. */
export interface EndpointHub {
  readonly hub: PubSub<Peer>;
  /** Peers by user. */
  readonly users: Users<Peer>;
  readonly userCloses: UserCloses;
  readonly cluster: Cluster;
  /** Present with the option `sync`. */
  readonly synced?: SyncedHub<Peer>;
  /** Present with the option `topics`. */
  readonly history?: HistoryHub<Peer>;
  /** Present with the option `topics`. */
  readonly presence?: Presence<Peer>;
}

/** Parts of a Durable Object that replace those of other endpoints. */
export interface OwnParts {
  readonly hub: PubSub<Peer>;
  /** Storage of histories. Default: none, they are in memory only. */
  readonly storage?: HistoryStorage | undefined;
  /** Keeps the presence of peers through hibernation. */
  readonly keeper?: PresenceKeeper<Peer>;
}

/**
 * Makes the hub of an endpoint: a plain one, around it the connection to other nodes, and around
 * that the histories.
 */
export function makeHub(
  { sync, topics, format, onError }: EndpointOptions,
  services: { readonly limits: Limits; readonly timers: Timers },
  own?: OwnParts,
): EndpointHub {
  const failures = new FailureReporter(onError), { limits, timers } = services;
  const rules = topics && new TopicRules(topics);
  // One object is one room: no connection to a broker is held in a Durable Object.
  const synced = sync && !own
    ? new SyncedHub<Peer>(sync, {
      timers,
      report: (error) => failures.report(error, "sync"),
      missed: () => gaps.missedLive(),
    })
    : undefined;
  const base: PubSub<Peer> = own?.hub ?? synced ?? new Hub();
  const gaps = new Gaps(base, rules);
  const history = rules && new HistoryHub(base, {
    rules,
    format,
    limits,
    source: (host) => synced ? synced.history(host) : new LocalHistory(host, own?.storage),
    missed: (topic, reason) => gaps.missed(topic, reason),
    report: (error) => failures.report(error, "format"),
  });
  // The topics of users have no history, so the hub of histories does not see them.
  const users = new Users(base), userCloses = new UserCloses();
  const presence = rules && new Presence<Peer>({
    rules,
    timers,
    keeper: own?.keeper,
    subscribers: (topic, namespace) => base.subscribers(topic, namespace),
    tell: (peer, change) => peer.topicListener.presenceChanged(change),
  });
  const remote = synced?.cluster({
    get peers() {
      return base.memberCount;
    },
    hasPresence: ({ topic, namespace }) =>
      namespace !== USER_NAMESPACE && (rules?.of(topic, namespace).presence ?? false),
    membersOf: (name) => presence?.membersOf(name) ?? [],
    presenceChanged: (name, from, to) => presence?.remoteChanged(name, from, to),
    close: (request) => closePeers({ hub: base, users, userCloses }, request),
  });
  if (presence) presence.remote = remote?.presence;
  const cluster = new Cluster({ id: synced?.id, hub: base, users, userCloses, remote });
  const parts = { hub: history ?? base, users, userCloses, cluster };
  return { ...parts, ...(synced && { synced }), ...(history && presence && { history, presence }) };
}
