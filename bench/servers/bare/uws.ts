/** uWebSockets.js with its native topics. */
import {
  announce,
  collectGarbage,
  isCompressed,
  isEcho,
  readCommand,
  topicOf,
} from "../protocol.ts";
import {
  listen,
  type Socket,
  uws,
  type UwsContext,
  type UwsRequest,
  type UwsResponse,
} from "../uws.ts";

const decoder = new TextDecoder();

const app = uws.App();
app.get("/collect", (res) => void res.end(collectGarbage()));
app.ws("/*", {
  compression: isCompressed ? uws.SHARED_COMPRESSOR : 0,
  upgrade(res: UwsResponse, req: UwsRequest, context: UwsContext) {
    const protocol = req.getHeader("sec-websocket-protocol");
    const extensions = req.getHeader("sec-websocket-extensions");
    const topic = topicOf(`?${req.getQuery()}`);
    const upgrade = res.upgrade as unknown as (
      data: object,
      ...rest: unknown[]
    ) => void;
    upgrade.call(
      res,
      { topic },
      req.getHeader("sec-websocket-key"),
      protocol,
      extensions,
      context,
    );
  },
  open: (socket: Socket) => void (socket.topic && socket.subscribe(socket.topic)),
  message: isEcho
    ? (socket: Socket, message: ArrayBuffer, isBinary: boolean) => socket.send(message, isBinary)
    : (socket: Socket, message: ArrayBuffer, isBinary: boolean) => {
      const { topic, times } = readCommand(decoder.decode(message));
      for (let i = 0; i < times; i++) {
        socket.publish(topic, message, isBinary, isCompressed);
      }
    },
});
listen(app, announce);
