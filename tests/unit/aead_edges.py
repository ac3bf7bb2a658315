#!/usr/bin/env python3
"""Prints tests/unit/aead_edges.h: sealed texts at the edges of Poly1305's arithmetic.

Nonces 0..9 are those of Wycheproof's chacha20_poly1305_test.json, cases 216 to 225, which give
one-time keys with limbs of all zeroes or all ones. For each, and for each of the values below,
one block of a ciphertext (bytes shift, shift + 7, ...) is chosen so that the number that Poly1305 ends with,
before the key's second half is added, has that value. The arithmetic is Python's; only the
ChaCha20 block function is written out here."""

P = 2**130 - 5
KEY = bytes.fromhex("9de836aa579585081f330a7c4036e20e38ef15eff3945184d231867f505fffdf")
NONCES = [
    bytes.fromhex("00000000" + tail)
    for tail in (
        "101112130bc672c3",
        "1011121303e9b9a4",
        "101112130700b982",
        "10111213019836bb",
        "101112131d59f288",
        "101112130552a411",
        "101112130c807a72",
        "101112130397a143",
        "1011121308cb0f3f",
        "101112130d8fcf4e",
    )
]
ENDS = {
    "0": 0,
    "1": 1,
    "4, or 2^130 - 1": 4,
    "5": 5,
    "2^130 - 6": P - 1,
    "2^130 - 7": P - 2,
    "2^128 - 1": 2**128 - 1,
    "2^128": 2**128,
    "2^129 + 2^128 - 1": 2**129 + 2**128 - 1,
    "2^104 - 1": 2**104 - 1,
    "2^88 - 1": 2**88 - 1,
    "2^130 - 2^44": 2**130 - 2**44,
    "2^130 - 2^26": 2**130 - 2**26,
    "a tag of 0": None,
    "a tag of all ones": None,
}
LENGTHS = [40, 64, 127, 129, 300, 512, 1420]


def rotate(x, n):
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def chacha_block(key, nonce, number):
    state = list(b"expand 32-byte k"[i : i + 4] for i in range(0, 16, 4))
    state += [key[i : i + 4] for i in range(0, 32, 4)]
    state += [number.to_bytes(4, "little")]
    state += [nonce[i : i + 4] for i in range(0, 12, 4)]
    state = [int.from_bytes(word, "little") for word in state]
    v = state[:]

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            v[x] = (v[x] + v[y]) & 0xFFFFFFFF
            v[z] = rotate(v[z] ^ v[x], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return b"".join(
        ((a + b) & 0xFFFFFFFF).to_bytes(4, "little") for a, b in zip(v, state)
    )


def solve(text, at, end, r):
    """The block at which `text` comes to `end`, or None if no 16 bytes do that."""
    blocks = [text[i : i + 16] for i in range(0, len(text), 16)]
    numbers = [int.from_bytes(b.ljust(16, b"\0"), "little") + 2**128 for b in blocks]
    numbers.append((len(text) << 64) + 2**128)
    power = 1
    for i in reversed(range(len(numbers))):
        power = power * r % P
        if i == at:
            at_power = power
        else:
            end -= numbers[i] * power
    number = end * pow(at_power, -1, P) % P - 2**128
    return number.to_bytes(16, "little") if 0 <= number < 2**128 else None


def case(nonce, name, end, length):
    key = chacha_block(KEY, NONCES[nonce], 0)
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(key[16:32], "little")
    if name == "a tag of 0":
        end = -s % 2**128
    elif name == "a tag of all ones":
        end = (2**128 - 1 - s) % 2**128
    tag = ((end + s) % 2**128).to_bytes(16, "little")
    at = (nonce * 5 + len(name)) % (length // 16)
    for shift in range(256):
        text = bytes((7 * i + shift) & 0xFF for i in range(length))
        block = solve(text, at, end, r)
        if block:
            print(f"\t/* {name} */")
            print(f"\t{{ {nonce}, {length}, {shift}, {16 * at},")
            print(f'\t  "{block.hex()}", "{tag.hex()}" }},')
            return
    raise SystemExit("no block found")


def main():
    print("/* made by tests/unit/aead_edges.py: sealed texts at the edges of Poly1305 */")
    print("/* clang-format off */")
    print("static const uint64_t edge_counters[] = {")
    for nonce in NONCES:
        print(f'\tUINT64_C({int.from_bytes(nonce[4:], "little"):#018x}),')
    print("};\n")
    print(f'static const char edge_key[] = "{KEY.hex()}";\n')
    print("static const struct {")
    print("\tuint32_t nonce, text_bytes, shift, at;")
    print("\tconst char *block, *tag;")
    print("} edges[] = {")
    for nonce in range(len(NONCES)):
        for i, (name, end) in enumerate(ENDS.items()):
            if i % 3 == nonce % 3 or "tag" in name:
                case(nonce, name, end, LENGTHS[(nonce + i) % len(LENGTHS)])
    print("};")


main()
