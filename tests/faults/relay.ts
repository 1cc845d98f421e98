import { connect, createServer } from "node:net";

// Runs on the far side of a `FarNetwork`. Each connection to its Unix socket gets a TCP connection
// to the server. A Unix socket can be reached across network namespaces.

const [path, localAddress, host, port] = Deno.args;

createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({
    localAddress: localAddress!,
    host: host!,
    port: Number(port),
    allowHalfOpen: true,
  });
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
}).listen(path, () => console.log("READY"));
