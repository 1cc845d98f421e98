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
  type Response,
  type Socket,
  uws,
  type UwsContext,
  type UwsRequest,
} from "../uws.ts";

const decoder = new TextDecoder();

const app = uws.App();
app.get("/collect", (res) => void res.end(collectGarbage()));
app.ws("/*", {
  compression: isCompressed ? uws.SHARED_COMPRESSOR : 0,
  upgrade(res: Response, req: UwsRequest, context: UwsContext) {
    const topic = topicOf(`?${req.getQuery()}`);
    const [key, protocol, extensions] = ["key", "protocol", "extensions"]
      .map((name) => req.getHeader(`sec-websocket-${name}`));
    res.upgrade({ topic }, key!, protocol!, extensions!, context);
  },
  open: (socket: Socket) => void (socket.topic && socket.subscribe(socket.topic)),
  message: isEcho
    ? (socket: Socket, message: ArrayBuffer, isBinary: boolean) => socket.send(message, isBinary)
    : (socket: Socket, message: ArrayBuffer, isBinary: boolean) => {
      const { topic, times } = readCommand(decoder.decode(message));
      for (let i = 0; i < times; i++) socket.publish(topic, message, isBinary, isCompressed);
    },
});
listen(app, announce);
