import type { CaseServerOptions } from "../fixtures/case.ts";

const options: CaseServerOptions = {
  hooks: { message: (peer, { rawData }) => void peer.send(rawData) },
};

/** Server halves of the protocol battery: echoes, byte for byte. */
export const protocolServers: readonly { readonly id: string; server(): CaseServerOptions }[] = [
  { id: "protocol.echo", server: () => options },
  { id: "protocol.compressed", server: () => ({ ...options, perMessageDeflate: true }) },
];
