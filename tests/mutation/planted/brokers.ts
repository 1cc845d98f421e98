import type { Fault } from "../fault.ts";

/** Faults in the connections to the servers of brokers. */
export const brokers: readonly Fault[] = [
  {
    id: "broker-destroy-throws",
    file: "sync/reconnect_loop.ts",
    what: "A client library that throws at the end of a connection ends the process",
    find: "ignoreFailure(() => connection?.destroy());",
    replace: "connection?.destroy();",
    caughtBy: ["unit reconnect_loop"],
  },
  {
    id: "broker-unsubscribe-throws",
    file: "sync/reconnect_loop.ts",
    what: "A client library that throws at unsubscribe() ends the process",
    find: "    } catch (error) {\n      this.#interrupt(error);\n    }\n",
    replace: "    } finally { /* nothing */ }\n",
    caughtBy: ["unit reconnect_loop"],
  },
  {
    id: "broker-connect-throws",
    file: "sync/reconnect_loop.ts",
    what: "A client library that throws as a connection is made ends the process",
    find: "promise.catch(() => {}); // no code may wait for this promise",
    replace: "",
    caughtBy: ["unit reconnect_loop"],
  },
  {
    id: "broker-loss-missed",
    file: "sync/reconnect_loop.ts",
    what: "A connection that is lost just after an answer counts as up",
    find: "      if (isOver) return await lost;\n",
    replace: "",
    caughtBy: ["unit reconnect_loop"],
  },
  {
    id: "broker-loss-missed-at-open",
    file: "sync/reconnect_loop.ts",
    what: "A connection that is lost just after it was opened takes publishes",
    find: "if (isOver) return await lost; // the connection was lost just after it was opened",
    replace: "",
    caughtBy: ["unit reconnect_loop"],
  },
  {
    id: "redis-disconnect-throws",
    file: "sync/redis/node_redis_socket.ts",
    what: "disconnect() of node-redis 5 throws out of destroy()",
    find: "ignoreFailure(() => this.#client.disconnect());",
    replace: "this.#client.disconnect().catch(() => {});",
    caughtBy: ["unit client_end"],
  },
  {
    id: "postgres-native-cut",
    file: "sync/postgres/pg_session.ts",
    what: "A client of pg without a connection throws when its session ends",
    find: "ignoreFailure(() => connection ? connection.stream.destroy() : end());",
    replace: "connection!.stream.destroy();",
    caughtBy: ["unit client_end"],
  },
];
