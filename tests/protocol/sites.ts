import type { SiteOptions } from "../fixtures/case.ts";

const options: SiteOptions = {
  hooks: { message: (peer, { rawData }) => void peer.send(rawData) },
};

/** The server halves of the protocol battery: echoes, byte for byte. */
export const protocolSites: readonly { readonly id: string; site(): SiteOptions }[] = [
  { id: "protocol.echo", site: () => options },
  { id: "protocol.compressed", site: () => ({ ...options, perMessageDeflate: true }) },
];
