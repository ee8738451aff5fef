import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { parseServerConfig } from "../../src/server-config.ts";
import { clientAddress, hopsMax } from "../../src/limits/client-address.ts";
import { trustedProxies, trustedProxiesMax } from "../../src/limits/trusted-proxies.ts";

// Where a request comes from, by the peer of its connection and what X-Forwarded-For says.

const ranges = ["10.0.0.0/8", "192.0.2.7", "2001:db8:aaaa::/48", "::ffff:172.16.0.0/108"];
const proxies = trustedProxies(ranges);

/** A request by a peer, with a header as node:http has it: joined where it came several times. */
function from(peer: string | undefined, forwarded: string | undefined): IncomingMessage {
  const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: peer });
  const incoming = new IncomingMessage(socket);
  if (forwarded !== undefined) incoming.headers["x-forwarded-for"] = forwarded;
  return incoming;
}

describe("the address of a client", () => {
  test.each<[why: string, peer: string, forwarded: string | undefined, address: string]>([
    ["no proxy, no header", "203.0.113.1", undefined, "203.0.113.1"],
    ["a peer that is none of them says what it likes", "203.0.113.1", "10.0.0.1", "203.0.113.1"],
    ["nor does a chain of theirs help it", "203.0.113.1", "1.1.1.1, 10.0.0.1", "203.0.113.1"],
    ["a peer just outside of a range", "11.0.0.0", "203.0.113.1", "11.0.0.0"],
    ["a peer beside an address", "192.0.2.8", "203.0.113.1", "192.0.2.8"],

    ["a proxy says it", "10.0.0.1", "203.0.113.1", "203.0.113.1"],
    ["a proxy listed by its address", "192.0.2.7", "203.0.113.1", "203.0.113.1"],
    ["a proxy says nothing", "10.0.0.1", undefined, "10.0.0.1"],
    ["through two proxies", "10.0.0.1", "203.0.113.1, 192.0.2.7", "203.0.113.1"],
    ["blanks and tabs", "10.0.0.1", " \t203.0.113.1\t,\t10.9.9.9 ", "203.0.113.1"],
    ["no blanks", "10.0.0.1", "203.0.113.1,10.9.9.9", "203.0.113.1"],
    ["proxies all the way", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],

    ["a client that names another one", "10.0.0.1", "1.1.1.1, 203.0.113.1", "203.0.113.1"],
    ["a client that names a proxy", "10.0.0.1", "1.1.1.1, 10.0.0.9, 203.0.113.1", "203.0.113.1"],
    [
      "through two proxies, another one",
      "10.0.0.1",
      "1.1.1.1, 203.0.113.1, 10.0.0.2",
      "203.0.113.1",
    ],
    ["a client that sends garbage", "10.0.0.1", "<script>, , ;, 203.0.113.1", "203.0.113.1"],
    [
      "a client that sends very much",
      "10.0.0.1",
      `${"1.1.1.1, ".repeat(1500)}203.0.113.1`,
      "203.0.113.1",
    ],

    ["garbage from a proxy", "10.0.0.1", "1.1.1.1, unknown", "10.0.0.1"],
    ["garbage behind a proxy", "10.0.0.1", "1.1.1.1, _hidden, 10.0.0.2", "10.0.0.2"],
    ["an empty header", "10.0.0.1", "", "10.0.0.1"],
    ["blanks alone", "10.0.0.1", " ", "10.0.0.1"],
    ["a comma alone", "10.0.0.1", ",", "10.0.0.1"],
    ["an empty entry at the end", "10.0.0.1", "1.1.1.1,", "10.0.0.1"],
    ["an empty entry behind a proxy", "10.0.0.1", "1.1.1.1, , 10.0.0.2", "10.0.0.2"],
    ["an empty entry at the beginning", "10.0.0.1", ", 10.0.0.2", "10.0.0.2"],
    ["an entry that is long", "10.0.0.1", `1.1.1.1, ${"1".repeat(10_000)}`, "10.0.0.1"],
    [
      "an address after too many blanks",
      "10.0.0.1",
      `1.1.1.1,${" ".repeat(90)}2.2.2.2`,
      "10.0.0.1",
    ],
    ["an octal address", "10.0.0.1", "0177.0.0.1", "10.0.0.1"],
    ["a short address", "10.0.0.1", "127.1", "10.0.0.1"],
    ["a number", "10.0.0.1", "2130706433", "10.0.0.1"],
    ["an address out of range", "10.0.0.1", "256.1.1.1", "10.0.0.1"],
    ["a name", "10.0.0.1", "localhost", "10.0.0.1"],
    ["a range", "10.0.0.1", "1.1.1.0/24", "10.0.0.1"],
    ["words around it", "10.0.0.1", "for=1.1.1.1", "10.0.0.1"],
    ["quotes", "10.0.0.1", '"1.1.1.1"', "10.0.0.1"],
    ["a line break", "10.0.0.1", "1.1.1.1\n", "10.0.0.1"],
    ["another blank", "10.0.0.1", "1.1.1.1\u00a0", "10.0.0.1"],
    ["a socket's path", "10.0.0.1", "unix:", "10.0.0.1"],

    ["a port", "10.0.0.1", "203.0.113.1:55", "203.0.113.1"],
    ["a port of IPv6", "10.0.0.1", "[::1]:80", "::1"],
    ["brackets", "10.0.0.1", "[2001:db8::1]", "2001:db8::1"],
    ["a proxy's port", "10.0.0.1", "203.0.113.1:55, 10.0.0.2:80", "203.0.113.1"],
    ["no port", "10.0.0.1", "1.1.1.1:", "10.0.0.1"],
    ["a port in letters", "10.0.0.1", "1.1.1.1:http", "10.0.0.1"],
    ["half a bracket", "10.0.0.1", "[::1", "10.0.0.1"],
    ["the other half", "10.0.0.1", "::1]", "10.0.0.1"],
    ["IPv4 in brackets", "10.0.0.1", "[1.1.1.1]", "10.0.0.1"],
    ["a zone", "10.0.0.1", "fe80::1%eth0", "10.0.0.1"],
    ["two ports", "10.0.0.1", "1.1.1.1:1:2", "10.0.0.1"],

    ["IPv6 in another form", "2001:db8:aaaa::1", "2001:0DB8:0:0::0001", "2001:db8::1"],
    ["an IPv6 peer outside", "2001:db8:aaab::1", "203.0.113.1", "2001:db8:aaab::1"],
    ["a peer with a zone", "2001:db8:aaaa::1%eth0", "203.0.113.1", "203.0.113.1"],
    [
      "a peer with a zone that says nothing of use",
      "2001:db8:aaaa::1%eth0",
      "?",
      "2001:db8:aaaa::1",
    ],
    ["a mapped client", "10.0.0.1", "::ffff:203.0.113.1", "203.0.113.1"],
    ["a mapped client in hex", "10.0.0.1", "[::FFFF:cb00:7101]:80", "203.0.113.1"],
    ["a mapped client, written out", "10.0.0.1", "0:0:0:0:0:ffff:203.0.113.1", "203.0.113.1"],
    ["a mapped proxy", "::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"],
    ["a mapped proxy that says nothing of use", "::ffff:10.0.0.1", "?", "10.0.0.1"],
    ["a mapped proxy on the way", "10.0.0.1", "203.0.113.1, ::ffff:a00:2", "203.0.113.1"],
    ["a mapped range", "172.31.255.255", "203.0.113.1", "203.0.113.1"],
    ["just outside of a mapped range", "172.32.0.0", "203.0.113.1", "172.32.0.0"],
    ["a mapped peer outside", "::ffff:11.0.0.1", "203.0.113.1", "11.0.0.1"],
  ])("%s", (_why, peer, forwarded, address) => {
    expect(clientAddress(from(peer, forwarded), proxies)).toBe(address);
  });

  test("is looked for through no more proxies than there may be", () => {
    // As many as may be are passed; behind one more nothing is believed.
    const chain = (hops: number): string =>
      ["203.0.113.1", ...Array.from({ length: hops }, (_, at) => `10.0.1.${at}`)].join(", ");
    expect(clientAddress(from("10.0.0.1", chain(hopsMax - 1)), proxies)).toBe("203.0.113.1");
    expect(clientAddress(from("10.0.0.1", chain(hopsMax)), proxies)).toBe("10.0.1.0");
    expect(clientAddress(from("10.0.0.1", chain(hopsMax + 9)), proxies)).toBe("10.0.1.9");
  });

  test("is the peer's where no proxy is trusted, and none where there is no peer", () => {
    expect(clientAddress(from("10.0.0.1", "203.0.113.1"), undefined)).toBe("10.0.0.1");
    expect(clientAddress(from(undefined, "203.0.113.1"), proxies)).toBeUndefined();
  });
});

describe("server.trustedProxies", () => {
  const auth = { anonymous: { scopes: ["read"] } };
  test("are addresses and ranges, none by default", () => {
    expect(parseServerConfig({}).trustedProxies).toEqual([]);
    expect(parseServerConfig({ auth, trustedProxies: ranges }).trustedProxies).toEqual(ranges);
    expect(trustedProxies([])).toBeUndefined();
  });

  test("of IPv6 have no IPv4 address in them, and may name any address of their range", () => {
    const table = trustedProxies(["::/1", "172.16.9.9/12"]);
    const known = ["::1", "10.0.0.1", "172.31.0.1", "172.32.0.1"].map((each) => table?.has(each));
    expect(known).toEqual([true, false, true, false]);
  });

  test.each([
    ["localhost"],
    ["loopback"],
    [""],
    [" 10.0.0.1"],
    ["10.0.0.1\n"],
    ["10.0.0.1:80"],
    ["[::1]"],
    ["10.0.0"],
    ["010.0.0.1"],
    ["*"],
    ["10.0.0.*"],
    ["10.0.0.1-10.0.0.9"],
    ["10.0.0.0/255.0.0.0"],
    ["10.0.0.0/"],
    ["10.0.0.0/08"],
    ["10.0.0.0/-1"],
    ["10.0.0.0/8/8"],
    ["10.0.0.0/33"],
    ["2001:db8::/129"],
    ["fe80::1%eth0"],
    ["0.0.0.0/0"],
    ["::/0"],
    ["::ffff:0:0/96"],
    ["::ffff:10.0.0.0/80"],
    [7],
    [null],
  ])("refuse %j, naming the key", (entry) => {
    expect(() => parseServerConfig({ trustedProxies: ["10.0.0.1", entry] })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", subject: "server.trustedProxies.1" }),
    );
  });

  test("refuse a list that is none, or is too long", () => {
    const many = Array.from(
      { length: trustedProxiesMax + 1 },
      (_, at) => `10.0.${at >> 8}.${at & 255}`,
    );
    for (const list of ["10.0.0.1", {}, many]) {
      expect(() => parseServerConfig({ trustedProxies: list })).toThrow(
        expect.objectContaining({ code: "CONFIG_INVALID", subject: "server.trustedProxies" }),
      );
    }
    expect(parseServerConfig({ auth, trustedProxies: many.slice(1) }).trustedProxies).toHaveLength(
      256,
    );
  });
});
