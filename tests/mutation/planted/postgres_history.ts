import type { Fault } from "../fault.ts";

const SCHEMA = "sync/postgres/history_schema.ts";
const HISTORY = "sync/postgres/postgres_history.ts";
const SERVER = ["test postgres_history"] as const;

/** Faults in histories over PostgreSQL. */
export const postgresHistory: readonly Fault[] = [
  {
    id: "postgres-history-writer-append",
    file: SCHEMA,
    what: "A message is added to the history of a row from an older dump",
    find: "t.server = pg_catalog.pg_postmaster_start_time() and t.writer = t.xmin\n",
    replace: "t.server = pg_catalog.pg_postmaster_start_time()\n",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-writer-read",
    file: SCHEMA,
    what: "A client is recovered from a row of an older dump",
    find: "t.ends > pg_catalog.clock_timestamp() and t.writer = t.xmin\n",
    replace: "t.ends > pg_catalog.clock_timestamp()\n",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-server-append",
    file: SCHEMA,
    what: "A message is added to a history of an older copy of the server's files",
    find: "t.server = pg_catalog.pg_postmaster_start_time() and t.writer = t.xmin\n",
    replace: "t.writer = t.xmin\n",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-server-read",
    file: SCHEMA,
    what: "A client is recovered from an older copy of the server's files",
    find: "\n      and t.server = pg_catalog.pg_postmaster_start_time();",
    replace: ";",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-unlocked",
    file: SCHEMA,
    what: "Two nodes give their messages the same position",
    find: "from ${SCHEMA}.topic t where t.name = wanted for update;",
    replace: "from ${SCHEMA}.topic t where t.name = wanted;",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-expires",
    file: SCHEMA,
    what: "A history goes on after its time",
    find: "if is_own and ending > pg_catalog.clock_timestamp() then return; end if;",
    replace: "if is_own then return; end if;",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-trim",
    file: SCHEMA,
    what: "A history keeps all its messages",
    find: "m.place <= newest + added - size;",
    replace: "m.place < 0;",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-sweep",
    file: SCHEMA,
    what: "The rows of histories that have ended stay for ever",
    find: "  perform ${SCHEMA}.sweep();\n  return held",
    replace: "  return held",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-sweep-alive",
    file: SCHEMA,
    what: "A history ends although messages go on to come",
    find:
      "update ${SCHEMA}.topic t set due = t.ends, writer = pg_catalog.pg_current_xact_id()::xid",
    replace: "update ${SCHEMA}.topic t set due = t.ends",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-plans",
    file: SCHEMA,
    what: "A message costs more the more messages were deleted before",
    find: '"set plan_cache_mode = force_generic_plan set enable_seqscan = off "',
    replace: '"set plan_cache_mode = force_generic_plan "',
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-key",
    file: SCHEMA,
    what: "A message that is committed again is there twice",
    find: "if found then return held || '-' || known; end if;",
    replace: "",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-schema",
    file: HISTORY,
    what: "After a loss of the schema, a node makes no new one",
    find: "!REPEATABLE.includes(code)) this.#isReady",
    replace: "code === 'never') this.#isReady",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-hole",
    file: HISTORY,
    what: "A client that misses a message is recovered",
    find: "if (Number(row.slice(0, dot)) !== top.offset - frames.length) break;",
    replace: "",
    caughtBy: SERVER,
  },
  {
    id: "postgres-history-parts",
    file: "sync/postgres/appended.ts",
    what: "A message whose part was lost arrives, with other bytes",
    find: "unfinished.received !== from || ",
    replace: "",
    caughtBy: ["unit appended"],
  },
];
