/** Lines, comings and goings, and who is typing: of one room, as topics belong to a namespace. */
export const ROOM = "room";
/** Which rooms there are; published to all namespaces. */
export const ROOMS = "rooms";
/** How busy the server is; published to all namespaces. */
export const LIVE = "live";
