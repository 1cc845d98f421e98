import type { Case } from "../fixtures/case.ts";
import { sseRequests } from "./sse_requests.ts";
import { sseSessions } from "./sse_sessions.ts";
import { sseStreams } from "./sse_streams.ts";

/** Cases of server-sent events alone. */
export const sseCases: readonly Case[] = [
  ...sseStreams,
  ...sseRequests,
  ...sseSessions,
];
