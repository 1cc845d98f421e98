/**
 * Runs a program on workerd, Cloudflare's runtime: `workerd_server.ts WORKERD CONFIG`. Prints
 * `WORKERD pid` and `LISTENING port`, and ends with its standard input.
 *
 * @module
 */
const [workerd, config] = Deno.args;
const child = new Deno.Command(workerd!, {
  args: ["serve", config!, "--experimental", "--control-fd=1"],
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
}).spawn();

const encoder = new TextEncoder();
const print = (text: string) => Deno.stdout.writeSync(encoder.encode(text));

const read = async () => {
  const LISTEN = /"event":"listen","socket":"http","port":(\d+)\}\n/;
  let head: string | undefined = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (head === undefined) {
      print(text);
      continue;
    }
    head += text;
    const port = LISTEN.exec(head)?.[1];
    if (!port) continue;
    head = undefined;
    // A program that evicts objects does this work within a request, which gets no response.
    fetch(`http://127.0.0.1:${port}/evict-idle`, { method: "POST" }).catch(() => {});
    print(`WORKERD ${child.pid}\nLISTENING ${port}\n`);
  }
};

const ended = Deno.stdin.readable.pipeTo(new WritableStream()).then(() => child.kill("SIGKILL"));
await Promise.race([Promise.all([read(), child.status]), ended]);
Deno.exit(0);
