import { type Handshake, isLegalHost, listElements } from "./handshake.ts";

/** Returns the entry of a list header that the outermost of `hops` trusted proxies wrote. */
function forwarded(handshake: Handshake, name: string, hops: number): string | undefined {
  return hops > 0 ? listElements(handshake.header(name)).at(-hops) : undefined;
}

/** Returns the origin that the client used. If `hops` is 0, forwarded values do not count. */
export function originOf(handshake: Handshake, hops: number): string {
  const proto = forwarded(handshake, "x-forwarded-proto", hops)?.toLowerCase();
  const secure = proto === "https" || proto === "wss" || (proto === undefined && handshake.secure);
  return `${secure ? "https" : "http"}://${hostOf(handshake, hops)}`;
}

/** Returns the host that the client used: a legal forwarded host behind trusted proxies, else `Host`. */
export function hostOf(handshake: Handshake, hops: number): string {
  const host = forwarded(handshake, "x-forwarded-host", hops) ?? null;
  return isLegalHost(host) ? host : handshake.header("host") ?? "localhost";
}

// An address in a forwarding header, with or without a port: [v6]:port, v4:port, v6.
const ADDRESS =
  /^(?:\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([0-9A-Fa-f:.]+))$/;

/** Returns the IP address of the client: the forwarded one behind trusted proxies, else the connection's. */
export function addressOf(handshake: Handshake, hops: number): string | undefined {
  const match = ADDRESS.exec(forwarded(handshake, "x-forwarded-for", hops) ?? "");
  const address = match?.[1] ?? match?.[2] ?? match?.[3];
  return plainAddress(address && isAddress(address) ? address : handshake.remoteAddress);
}

function isAddress(text: string): boolean {
  if (text.includes(":")) return URL.canParse(`http://[${text}]/`);
  return /^\d+(?:\.\d+){3}$/.test(text) && text.split(".").every((octet) => Number(octet) <= 255);
}

const MAPPED = /^(?:0{0,4}:){2,5}ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

/** Returns an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) as IPv4, and other addresses unchanged. */
export function plainAddress(address: string | undefined): string | undefined {
  const match = address && MAPPED.exec(address);
  if (!match) return address;
  const [, dotted, high = "", low = ""] = match;
  if (dotted) return dotted;
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}
