/** Lines, people and typing of one room. Each namespace has its own topics. */
export const ROOM = "room";
/** List of rooms, published to all namespaces. */
export const ROOMS = "rooms";
/** Load of the server, published to all namespaces. */
export const LIVE = "live";
