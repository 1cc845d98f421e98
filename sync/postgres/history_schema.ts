/**
 * Name of the schema, which has the version of its functions: nodes of another version use another
 * one.
 */
export const SCHEMA = "onepeer_1";

/** Counts the function that is made last: 1 if the schema is complete. */
export const FIND_SCHEMA: string =
  "select pg_catalog.count(*)::text from pg_catalog.pg_proc f join pg_catalog.pg_namespace s " +
  `on s.oid = f.pronamespace where s.nspname = '${SCHEMA}' and f.proname = 'append'`;

/**
 * Settings of the functions that nodes call. A plan that was made for a small table would read whole
 * tables later, with all their deleted rows: a call took 1 ms after 10,000 others, instead of 0.2 ms.
 */
const PLANS = "set plan_cache_mode = force_generic_plan set enable_seqscan = off " +
  "set enable_bitmapscan = off";

/**
 * Statements that make the tables and functions of histories.
 *
 * A row of `topic` counts only if the process of the server is the one that has written the row
 * (`server`), and if the row was written by its own transaction (`writer`). So a row from a dump, a
 * copied folder or another server counts no more: a new epoch begins. A crash empties the tables.
 *
 * `append` and `read` lock the row of the topic until their transaction ends. PostgreSQL sends
 * notifications in the order of commits, so they come in the order of the positions.
 *
 * Each function has one transaction without subtransactions: `writer` would not be `xmin` otherwise.
 */
export const SCHEMA_SQL: string = `
do $do$ begin
perform pg_catalog.pg_advisory_xact_lock(7954888436158341237);
-- Another node was first: DDL on tables in use could cause a deadlock.
if pg_catalog.to_regproc('${SCHEMA}.append') is not null then return; end if;
-- Without notices of what is there already: postgres.js prints them.
perform pg_catalog.set_config('client_min_messages', 'warning', true);
create schema if not exists ${SCHEMA};

-- name: the channel of LISTEN; top: position of the newest message; ends: when the history ends;
-- due: when to look whether it has ended. No column of an index changes with a message.
create unlogged table if not exists ${SCHEMA}.topic (
  name text primary key,
  epoch bigint not null unique,
  top bigint not null,
  ends timestamptz not null,
  due timestamptz not null,
  server timestamptz not null,
  writer xid not null
) with (fillfactor = 50);
create index if not exists topic_due on ${SCHEMA}.topic (due);

create unlogged table if not exists ${SCHEMA}.message (
  epoch bigint not null,
  place bigint not null,
  frame bytea not null,
  primary key (epoch, place)
);
alter table ${SCHEMA}.message alter column frame set storage external;

create unlogged table if not exists ${SCHEMA}.key (
  epoch bigint not null,
  name text not null,
  place bigint not null,
  ends timestamptz not null,
  primary key (epoch, name)
);
create index if not exists key_ends on ${SCHEMA}.key (ends);

-- Locks the row of a topic, and begins a history if there is none.
create or replace function ${SCHEMA}.lock_topic(
  wanted text, fresh bigint, ttl double precision, out held bigint, out newest bigint
) language plpgsql as $$
declare
  ending timestamptz;
  is_own boolean;
begin
  loop
    select t.epoch, t.top, t.ends,
        t.server = pg_catalog.pg_postmaster_start_time() and t.writer = t.xmin
      into held, newest, ending, is_own
      from ${SCHEMA}.topic t where t.name = wanted for update;
    if found then
      if is_own and ending > pg_catalog.clock_timestamp() then return; end if;
      delete from ${SCHEMA}.message m where m.epoch = held;
      delete from ${SCHEMA}.key k where k.epoch = held;
      held := fresh;
      newest := 0;
      update ${SCHEMA}.topic t set epoch = fresh, top = 0,
          ends = pg_catalog.clock_timestamp() + ttl * interval '1 millisecond',
          server = pg_catalog.pg_postmaster_start_time(),
          writer = pg_catalog.pg_current_xact_id()::xid
        where t.name = wanted;
      return;
    end if;
    insert into ${SCHEMA}.topic (name, epoch, top, ends, due, server, writer)
      select wanted, fresh, 0, e, e,
        pg_catalog.pg_postmaster_start_time(), pg_catalog.pg_current_xact_id()::xid
      from (select pg_catalog.clock_timestamp() + ttl * interval '1 millisecond' as e) as t
      on conflict (name) do nothing;
  end loop;
end $$;

-- Deletes a part of what has ended: more than one call of append() adds.
create or replace function ${SCHEMA}.sweep() returns void language plpgsql as $$
declare
  moment timestamptz := pg_catalog.clock_timestamp();
  old record;
  lowest bigint;
begin
  for old in
    select t.name, t.epoch, t.ends > moment and t.writer = t.xmin as is_alive
      from ${SCHEMA}.topic t where t.due < moment order by t.due limit 2 for update skip locked
  loop
    if old.is_alive then
      update ${SCHEMA}.topic t set due = t.ends, writer = pg_catalog.pg_current_xact_id()::xid
        where t.name = old.name;
    else
      select pg_catalog.min(m.place) into lowest
        from ${SCHEMA}.message m where m.epoch = old.epoch;
      delete from ${SCHEMA}.message m where m.epoch = old.epoch and m.place < lowest + 500;
      perform from ${SCHEMA}.message m where m.epoch = old.epoch limit 1;
      if not found then
        delete from ${SCHEMA}.key k where k.epoch = old.epoch;
        delete from ${SCHEMA}.topic t where t.name = old.name;
      end if;
    end if;
  end loop;
  delete from ${SCHEMA}.key k using (
    select o.epoch, o.name from ${SCHEMA}.key o
      where o.ends < moment order by o.ends limit 2 for update skip locked
  ) as o where k.epoch = o.epoch and k.name = o.name;
end $$;

-- Returns the position of the newest message, and frames up to a limit in bytes, the newest first.
create or replace function ${SCHEMA}.read(
  wanted text, fresh bigint, ttl double precision, since_epoch bigint, since_place bigint,
  last_place bigint, most integer, most_bytes integer
) returns setof text language plpgsql ${PLANS} as $$
declare
  held bigint;
  newest bigint;
  found_frame record;
  bytes bigint := 0;
begin
  select t.epoch, t.top into held, newest from ${SCHEMA}.topic t
    where t.name = wanted and t.ends > pg_catalog.clock_timestamp() and t.writer = t.xmin
      and t.server = pg_catalog.pg_postmaster_start_time();
  if not found then
    select l.held, l.newest into held, newest from ${SCHEMA}.lock_topic(wanted, fresh, ttl) as l;
    perform ${SCHEMA}.sweep();
  end if;
  return next held || '-' || newest;
  for found_frame in
    select m.place, m.frame from ${SCHEMA}.message m
      where m.epoch = held and m.place <= least(newest, last_place)
        and m.place > case when held = since_epoch then since_place else 0 end
      order by m.place desc limit most
  loop
    return next found_frame.place || '.' || pg_catalog.encode(found_frame.frame, 'base64');
    bytes := bytes + pg_catalog.octet_length(found_frame.frame);
    exit when bytes >= most_bytes;
  end loop;
end $$;

-- Adds frames and sends them, in parts of a size. Returns the position of the first.
create or replace function ${SCHEMA}.append(
  wanted text, fresh bigint, size integer, ttl double precision, given_key text,
  part_bytes integer, packed bytea, starts integer[], sizes integer[]
) returns text language plpgsql ${PLANS} as $$
declare
  held bigint;
  newest bigint;
  known bigint;
  moment timestamptz;
  added integer := pg_catalog.cardinality(starts);
begin
  select l.held, l.newest into held, newest from ${SCHEMA}.lock_topic(wanted, fresh, ttl) as l;
  moment := pg_catalog.clock_timestamp();
  if given_key is not null then
    select k.place into known from ${SCHEMA}.key k
      where k.epoch = held and k.name = given_key and k.ends > moment;
    if found then return held || '-' || known; end if;
    insert into ${SCHEMA}.key as k (epoch, name, place, ends)
      values (held, given_key, newest + 1, moment + ttl * interval '1 millisecond')
      on conflict (epoch, name) do update set place = excluded.place, ends = excluded.ends;
  end if;
  insert into ${SCHEMA}.message (epoch, place, frame)
    select held, newest + f.number, pg_catalog.substring(packed, f.start, f.bytes)
      from unnest(starts, sizes) with ordinality as f(start, bytes, number);
  update ${SCHEMA}.topic t set top = newest + added,
      ends = moment + ttl * interval '1 millisecond',
      writer = pg_catalog.pg_current_xact_id()::xid
    where t.name = wanted;
  delete from ${SCHEMA}.message m where m.epoch = held and m.place <= newest + added - size;
  perform pg_catalog.pg_notify(wanted, '+' || held || '-' || newest + 1 || ':' ||
      pg_catalog.octet_length(packed) || ':' || p.start || '.' ||
      pg_catalog.encode(pg_catalog.substring(packed, p.start + 1, part_bytes), 'base64'))
    from pg_catalog.generate_series(0, pg_catalog.octet_length(packed) - 1, part_bytes) as p(start);
  perform ${SCHEMA}.sweep();
  return held || '-' || newest + 1;
end $$;
end $do$;
`;
