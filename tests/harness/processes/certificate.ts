import { run } from "../../../scripts/npm/command.ts";

/** Whether this machine can create certificates. */
export const hasOpenssl: boolean = await run("openssl", ["version"]).then(() => true, () => false);

/** Creates a self-signed certificate for localhost, and its key. */
export async function certificate(): Promise<{ cert: string; key: string }> {
  const folder = await Deno.makeTempDir({ prefix: "onepeer-tls-" });
  const cert = `${folder}/cert.pem`, key = `${folder}/key.pem`;
  try {
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    // Deno does not accept the certificate of an authority as that of a server.
    const kind = ["-addext", "basicConstraints=critical,CA:FALSE"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const files = ["-keyout", key, "-out", cert];
    await run("openssl", [
      "req",
      "-x509",
      "-nodes",
      "-days",
      "1",
      ...curve,
      ...name,
      ...kind,
      ...files,
    ]);
    return { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
