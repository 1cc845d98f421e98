import type { EndpointOptions } from "../../mod.ts";

/** Lines of one room. Each namespace has its own topics. */
export const LINES = "lines";
/** People in one room, and which of them are typing. */
export const PEOPLE = "people";
/** List of rooms, published to all namespaces. */
export const ROOMS = "rooms";
/** Load of the server, published to all namespaces. */
export const LIVE = "live";

/** Options of the endpoint: the histories of topics, and the form in which a page gets a line. */
export const roomOptions: Pick<EndpointOptions, "topics" | "format"> = {
  topics: (topic) =>
    topic === LINES ? { history: { size: 200, ttl: 3_600_000 } } : { presence: topic === PEOPLE },
  format: ({ data, position }) => ({ type: "line", line: JSON.parse(String(data)), position }),
};
