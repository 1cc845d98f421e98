import type { Case } from "../fixtures/case.ts";
import { sseHttp2 } from "./sse_http2.ts";
import { sseRequests } from "./sse_requests.ts";
import { sseSessions } from "./sse_sessions.ts";
import { sseStreams } from "./sse_streams.ts";

/** Cases of server-sent events alone. */
export const sseCases: readonly Case[] = [
  ...sseStreams,
  ...sseRequests,
  ...sseHttp2,
  ...sseSessions,
];
