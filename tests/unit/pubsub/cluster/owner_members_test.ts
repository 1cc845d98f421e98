import assert from "node:assert/strict";
import type { MembersChange } from "../../../../pubsub/cluster/control_message.ts";
import { OwnerMembers } from "../../../../pubsub/cluster/owner_members.ts";
import type { PresenceMember } from "../../../../pubsub/presence/presence_member.ts";
import { memberOf } from "../../../../pubsub/presence/presence_member.ts";

const change = (
  from: number,
  to: number,
  set: readonly PresenceMember[],
  gone: readonly string[] = [],
): MembersChange => ({ type: "members", from, to, set: [...set], gone: [...gone] });
const member = (id: string) => memberOf(id, "t", id);
const idsOf = (members: OwnerMembers) => [...members.members].map(({ id }) => id);

Deno.test("OwnerMembers waits for an answer after a missed change", () => {
  const told: (string | undefined)[] = [];
  const members = new OwnerMembers((_, to) => void told.push(to?.id));
  members.apply(change(0, 1, [member("a")]));
  members.apply(change(2, 3, [member("c")])); // the change from 1 to 2 was lost
  assert.deepEqual([members.isBroken, idsOf(members), told], [true, ["a"], ["a"]]);
  members.answered(1, 3, {
    version: 3,
    members: [member("a"), member("b"), member("c")],
    total: 3,
    hasMore: false,
  });
  assert.deepEqual([members.isBroken, idsOf(members)], [false, ["a", "b", "c"]]);
});

Deno.test("OwnerMembers applies changes that overtake an answer after the answer", () => {
  const members = new OwnerMembers(() => {});
  members.apply(change(0, 1, [member("a")]));
  members.apply(change(2, 3, [member("c")]));
  members.apply(change(3, 4, [member("d")], ["a"]));
  members.answered(1, 3, {
    version: 3,
    members: [member("a"), member("b"), member("c")],
    total: 3,
    hasMore: false,
  });
  assert.deepEqual([members.isBroken, idsOf(members)], [false, ["b", "c", "d"]]);
});

Deno.test("OwnerMembers asks again if a part of an answer was lost", () => {
  const members = new OwnerMembers(() => {});
  members.answered(1, 5, { version: 5, members: [member("a")], total: 2, hasMore: false });
  assert.deepEqual([members.isBroken, idsOf(members)], [true, []]);
  members.answered(2, 5, { version: 5, members: [member("a")], total: 2, hasMore: true });
  members.answered(2, 5, { version: 5, members: [member("b")], total: 2, hasMore: false });
  assert.deepEqual([members.isBroken, idsOf(members)], [false, ["a", "b"]]);
});

Deno.test("OwnerMembers takes an answer of more members than a call takes arguments", () => {
  const members = new OwnerMembers(() => {}), total = 300_000;
  const all = Array.from({ length: total }, (_, i) => ({ id: `${i}` }));
  members.answered(1, 5, { version: 5, members: all, total, hasMore: false });
  assert.equal(idsOf(members).length, total);
});

Deno.test("OwnerMembers asks if a node tells an older version than a forged change", () => {
  const members = new OwnerMembers(() => {});
  members.apply(change(0, 2, [member("a")]));
  members.apply(change(2, Number.MAX_SAFE_INTEGER, [member("forged")], ["a"]));
  members.apply(change(1, 2, [member("a")])); // comes late
  assert.deepEqual([members.isBroken, idsOf(members)], [false, ["forged"]]);
  members.apply(change(2, 2, []));
  assert.equal(members.isBroken, true);
  members.answered(1, 2, { version: 2, members: [member("a")], total: 1, hasMore: false });
  assert.deepEqual([members.isBroken, idsOf(members)], [false, ["a"]]);
  members.apply(change(2, 3, [member("b")]));
  assert.deepEqual([members.isBroken, idsOf(members)], [false, ["a", "b"]]);
});
