import type { LookupFunction } from "node:net";
import { describe, expect, test } from "vitest";
import { addressPolicy, isPrivateHost, privateAddressCode } from "../src/private-address.ts";

const open = addressPolicy(false);

// Addresses inside and just outside of each range; forms of IPv6 that carry an IPv4 address too.
describe("an address that is written out", () => {
  test.each(
    [
      "0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1",
      "172.31.255.255 192.0.0.8 192.168.1.1 198.18.0.1 198.19.255.255 224.0.0.1 255.255.255.255",
      "[::1] [::] [::ffff:127.0.0.1] [::ffff:a00:1] [fe80::1] [fd00::1] [fc00::1] [ff02::1]",
      "[64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe] [2002:7f00:1::] [2001::1] [::127.0.0.1] [fec0::1]",
    ].flatMap((line) => line.split(" ")),
  )("%s is private", (host) => {
    expect(open.allows(host)).toBe(false);
    expect(isPrivateHost(host)).toBe(true);
  });

  test.each(
    [
      "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1",
      "169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.20.0.0 223.1.1.1",
      "[2606:4700::1] [2a00:1450::1] [::ffff:8.8.8.8] [64:ff9b::8.8.8.8] [2001:4860::8888]",
    ].flatMap((line) => line.split(" ")),
  )("%s is public", (host) => {
    expect(open.allows(host)).toBe(true);
    expect(isPrivateHost(host)).toBe(false);
  });

  test("may be allowed one by one, by range, or all", () => {
    const some = addressPolicy(["10.0.0.0/8", "127.0.0.1", "fd00::/8"]);
    expect(some.allows("10.9.9.9")).toBe(true);
    expect(some.allows("127.0.0.1")).toBe(true);
    expect(some.allows("127.0.0.2")).toBe(false);
    expect(some.allows("[fd12::1]")).toBe(true);
    expect(some.allows("[fe80::1]")).toBe(false);
    expect(addressPolicy(true).allows("127.0.0.1")).toBe(true);
    for (const wrong of ["10.0.0.0/33", "example.com", "", "10.0.0.0/x"]) {
      const make = (): unknown => addressPolicy([wrong]);
      expect(make).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    }
  });
});

// Names that mean something at home only are private by their form; others must be looked up.
test.each([
  ["localhost", true],
  ["minio", true],
  ["a.localhost", true],
  ["nas.local", true],
  ["blobs.internal", true],
  ["blobs.internal.", true],
  ["example.com", false],
  ["internal.example.com", false],
])("the host %s is private: %s", (host, expected) => {
  expect(isPrivateHost(host)).toBe(expected);
});

describe("a lookup", () => {
  const answering = (...addresses: string[]): LookupFunction => {
    return (_, __, callback) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    };
  };
  const ask = (lookup: LookupFunction, all: boolean): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lookup("blobs.example.com", { all }, (error, address) => {
        if (error === null) resolve(address);
        else reject(error);
      });
    });

  test("leaves private addresses out, and fails where no other is left", async () => {
    const mixed = addressPolicy(false, answering("10.0.0.1", "1.2.3.4", "::1")).lookup;
    expect(await ask(mixed, true)).toEqual([{ address: "1.2.3.4", family: 4 }]);
    expect(await ask(mixed, false)).toBe("1.2.3.4");
    const inside = addressPolicy(false, answering("10.0.0.1", "::1")).lookup;
    await expect(ask(inside, true)).rejects.toMatchObject({ code: privateAddressCode });
    const allowed = addressPolicy(["10.0.0.0/8"], answering("10.0.0.1", "::1")).lookup;
    expect(await ask(allowed, true)).toEqual([{ address: "10.0.0.1", family: 4 }]);
  });

  test("passes the failure of the lookup itself on", async () => {
    const failing: LookupFunction = (_, __, callback) => {
      callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []);
    };
    await expect(ask(addressPolicy(false, failing).lookup, true)).rejects.toMatchObject({
      code: "ENOTFOUND",
    });
  });
});
