/* made by tests/unit/aead_edges.py: sealed texts at the edges of Poly1305 */
/* clang-format off */
static const uint64_t edge_counters[] = {
	UINT64_C(0xc372c60b13121110),
	UINT64_C(0xa4b9e90313121110),
	UINT64_C(0x82b9000713121110),
	UINT64_C(0xbb36980113121110),
	UINT64_C(0x88f2591d13121110),
	UINT64_C(0x11a4520513121110),
	UINT64_C(0x727a800c13121110),
	UINT64_C(0x43a1970313121110),
	UINT64_C(0x3f0fcb0813121110),
	UINT64_C(0x4ecf8f0d13121110),
};

static const char edge_key[] = "9de836aa579585081f330a7c4036e20e38ef15eff3945184d231867f505fffdf";

static const struct {
	uint32_t nonce, text_bytes, shift, at;
	const char *block, *tag;
} edges[] = {
	/* 0 */
	{ 0, 40, 5, 16,
	  "5af991da63536b1ef455213cdc607694", "491a0ae62c5842a30e3b82710cc2dad1" },
	/* 5 */
	{ 0, 129, 2, 16,
	  "17ecb56b450947f2025c357520d4e450", "4e1a0ae62c5842a30e3b82710cc2dad1" },
	/* 2^128 - 1 */
	{ 0, 1420, 5, 144,
	  "ff02d2d80bf97ce7251a51b3db10d89c", "481a0ae62c5842a30e3b82710cc2dad1" },
	/* 2^104 - 1 */
	{ 0, 127, 3, 32,
	  "0590870eaf30d5829e1e98e39bbdb793", "481a0ae62c5842a30e3b82710cc3dad1" },
	/* 2^130 - 2^26 */
	{ 0, 512, 2, 192,
	  "69cac7fa3701331f643d1c01b70c5432", "491a0ae22c5842a30e3b82710cc2dad1" },
	/* a tag of 0 */
	{ 0, 1420, 0, 160,
	  "6d56e9033ffc7089681192aaf1c2a331", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 0, 40, 0, 16,
	  "94ce4ec97cdf2d0316f319620032064f", "ffffffffffffffffffffffffffffffff" },
	/* 1 */
	{ 1, 127, 0, 96,
	  "2aa76955f7e1c6475fa7d81f49ed6318", "86c4dabdfc72e2a219d377a682c85f38" },
	/* 2^130 - 6 */
	{ 1, 512, 0, 224,
	  "5d2d2939c6b18653473b5905f92963ef", "7fc4dabdfc72e2a219d377a682c85f38" },
	/* 2^128 */
	{ 1, 64, 0, 32,
	  "b37792f55a9fdd1ef640b6bae09d1d6e", "85c4dabdfc72e2a219d377a682c85f38" },
	/* 2^88 - 1 */
	{ 1, 300, 3, 208,
	  "4798096faefd927f0f0a7ebf36539637", "84c4dabdfc72e2a219d377a782c85f38" },
	/* a tag of 0 */
	{ 1, 40, 3, 16,
	  "2e97cc8f2a8beba3626d8d421aa2dcb8", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 1, 64, 2, 32,
	  "29aecb2f29cf26f7f6a7e4ea38c71aa8", "ffffffffffffffffffffffffffffffff" },
	/* 4, or 2^130 - 1 */
	{ 2, 300, 0, 112,
	  "50e8983ad54cba70a4f3653df0335e0c", "725e7451dc61762c5753174fed88e746" },
	/* 2^130 - 7 */
	{ 2, 40, 1, 16,
	  "5e0b9ae643b2aa4d456d9806c356b4ed", "675e7451dc61762c5753174fed88e746" },
	/* 2^129 + 2^128 - 1 */
	{ 2, 129, 1, 48,
	  "d02c9c2ae53f3a85d3006fada3521bc8", "6d5e7451dc61762c5753174fed88e746" },
	/* 2^130 - 2^44 */
	{ 2, 1420, 0, 352,
	  "195040ab33f958a93cd386c532a6f39e", "6e5e7451dc51762c5753174fed88e746" },
	/* a tag of 0 */
	{ 2, 64, 1, 0,
	  "c4130bb455e67afcdaab1803693bedc8", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 2, 127, 0, 96,
	  "d61f818d7a12cf55310f5a61aa8ae92c", "ffffffffffffffffffffffffffffffff" },
	/* 0 */
	{ 3, 129, 1, 0,
	  "178dc50de3640f04e2332e7a3b0357a2", "be7e69f19cd065313bb49a252628dd3d" },
	/* 5 */
	{ 3, 1420, 0, 256,
	  "5b9fb9e98203cc5b329938c2a6f2a5e3", "c37e69f19cd065313bb49a252628dd3d" },
	/* 2^128 - 1 */
	{ 3, 127, 13, 48,
	  "c9c4ae9b0a091791dfe54cd3fbcb4af2", "bd7e69f19cd065313bb49a252628dd3d" },
	/* 2^104 - 1 */
	{ 3, 512, 1, 384,
	  "a2be0f926f1d4d1f406b544674e179c9", "bd7e69f19cd065313bb49a252629dd3d" },
	/* 2^130 - 2^26 */
	{ 3, 64, 3, 48,
	  "fe67a615b94ed2dff3bdc5643aad2b3f", "be7e69ed9cd065313bb49a252628dd3d" },
	/* a tag of 0 */
	{ 3, 127, 1, 64,
	  "1e6cea8ab46bc6932ba0fcd255608e3e", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 3, 129, 5, 0,
	  "bd696cf57405022b4ce2ae399f4dbdd7", "ffffffffffffffffffffffffffffffff" },
	/* 1 */
	{ 4, 512, 2, 336,
	  "99d22c3e471a62b3e9ae78f9ede5a527", "ad03013a7fe468440b861ebe0ab1650a" },
	/* 2^130 - 6 */
	{ 4, 64, 1, 16,
	  "9953eb77f340cf6b30ccb57dbf5c6795", "a603013a7fe468440b861ebe0ab1650a" },
	/* 2^128 */
	{ 4, 300, 0, 112,
	  "710fa428318cd822cc7f2db85c1cb512", "ac03013a7fe468440b861ebe0ab1650a" },
	/* 2^88 - 1 */
	{ 4, 40, 1, 0,
	  "cc40156b7cc3e41107150c7a9f357adb", "ab03013a7fe468440b861ebf0ab1650a" },
	/* a tag of 0 */
	{ 4, 129, 3, 96,
	  "f8ddbd887743c45f9d9f3ee37aad2036", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 4, 300, 3, 16,
	  "5527bfba1038133e2a0dd993889de97b", "ffffffffffffffffffffffffffffffff" },
	/* 4, or 2^130 - 1 */
	{ 5, 40, 2, 0,
	  "3f007ad6c78cb41184c6bff5f02ffeb0", "d867f2bcd53d3755c781f3c6a2cb0648" },
	/* 2^130 - 7 */
	{ 5, 129, 2, 32,
	  "3b68631ceca27bb2293e9b10f36cea4b", "cd67f2bcd53d3755c781f3c6a2cb0648" },
	/* 2^129 + 2^128 - 1 */
	{ 5, 1420, 1, 672,
	  "8a272b3e5ff3bc0444a7ca294d239035", "d367f2bcd53d3755c781f3c6a2cb0648" },
	/* 2^130 - 2^44 */
	{ 5, 127, 7, 32,
	  "e87201057bd70fadd95f5b0b3acb26c8", "d467f2bcd52d3755c781f3c6a2cb0648" },
	/* a tag of 0 */
	{ 5, 300, 1, 272,
	  "0569f33d7db3cf662c21333ed9297bf5", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 5, 512, 2, 160,
	  "d2422843d91b94f182b5a5f86b4530ad", "ffffffffffffffffffffffffffffffff" },
	/* 0 */
	{ 6, 1420, 4, 496,
	  "853c79a9b9e77a7b8964d776817722e6", "14c9266dd37ff86aafc22ddbdb355617" },
	/* 5 */
	{ 6, 127, 12, 48,
	  "630f610f30080d3d27a81fb870eee8ab", "19c9266dd37ff86aafc22ddbdb355617" },
	/* 2^128 - 1 */
	{ 6, 512, 4, 112,
	  "2cb8ce689e930eb73dec888d35419f70", "13c9266dd37ff86aafc22ddbdb355617" },
	/* 2^104 - 1 */
	{ 6, 64, 0, 48,
	  "a66beb5f85becd3c2e9f9507021febe0", "13c9266dd37ff86aafc22ddbdb365617" },
	/* 2^130 - 2^26 */
	{ 6, 300, 8, 96,
	  "53eda387d01afbb60592e6d28fa62b93", "14c92669d37ff86aafc22ddbdb355617" },
	/* a tag of 0 */
	{ 6, 512, 0, 128,
	  "eed91464eb29a5e28ff70740bdc128bd", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 6, 1420, 9, 752,
	  "26c1e277ea3b72fa127266d8cd14373b", "ffffffffffffffffffffffffffffffff" },
	/* 1 */
	{ 7, 64, 2, 0,
	  "f66a56867cf903df20dc1c74e4fa3975", "4419a7c45fdbe707b9ec1b7e0d635161" },
	/* 2^130 - 6 */
	{ 7, 300, 8, 128,
	  "67e535a770c4fc41cd983a28565fd279", "3d19a7c45fdbe707b9ec1b7e0d635161" },
	/* 2^128 */
	{ 7, 40, 0, 0,
	  "3f6dd018d6b881f8bb9549387ecbb00f", "4319a7c45fdbe707b9ec1b7e0d635161" },
	/* 2^88 - 1 */
	{ 7, 129, 0, 48,
	  "ef14d83b35c58c23bd8864d1863bc62a", "4219a7c45fdbe707b9ec1b7f0d635161" },
	/* a tag of 0 */
	{ 7, 1420, 3, 720,
	  "08be70eb26f59ccdb22684472edb37fb", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 7, 40, 10, 0,
	  "2dad0094106feceb25b62c0c830960b4", "ffffffffffffffffffffffffffffffff" },
	/* 4, or 2^130 - 1 */
	{ 8, 129, 0, 112,
	  "61b24a858b341728e7c7d902327eaec3", "1e65b132ad661072a00ffe7defbb18a5" },
	/* 2^130 - 7 */
	{ 8, 1420, 0, 784,
	  "70b5792a2872dedbf40d9acd53ffa660", "1365b132ad661072a00ffe7defbb18a5" },
	/* 2^129 + 2^128 - 1 */
	{ 8, 127, 5, 16,
	  "7c6c8136b02f5cc12bf9ad5f4b5744af", "1965b132ad661072a00ffe7defbb18a5" },
	/* 2^130 - 2^44 */
	{ 8, 512, 0, 320,
	  "7a48eac404051fa61efed0f4bc36a005", "1a65b132ad561072a00ffe7defbb18a5" },
	/* a tag of 0 */
	{ 8, 40, 7, 0,
	  "b252d04a9fabb0c9b812c785146b32c3", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 8, 64, 0, 16,
	  "fc93cc207c97eb9e70d006cd80d80fcb", "ffffffffffffffffffffffffffffffff" },
	/* 0 */
	{ 9, 127, 1, 64,
	  "5bf0ff935bbc4c3a582ee40aeb8be0f0", "427bff19de1f2e7d0757a79528731138" },
	/* 5 */
	{ 9, 512, 0, 224,
	  "af12def9da172bbb8e5cd526184de337", "477bff19de1f2e7d0757a79528731138" },
	/* 2^128 - 1 */
	{ 9, 64, 1, 32,
	  "3945d19909b28712b1b60eeec195dab6", "417bff19de1f2e7d0757a79528731138" },
	/* 2^104 - 1 */
	{ 9, 300, 16, 0,
	  "6c312deaf9b816b2288af5877851d0b5", "417bff19de1f2e7d0757a79528741138" },
	/* 2^130 - 2^26 */
	{ 9, 40, 2, 16,
	  "5d78728a1ebd1b597382c7381613b2b6", "427bff15de1f2e7d0757a79528731138" },
	/* a tag of 0 */
	{ 9, 64, 0, 48,
	  "fb88f817d379caf5f40b866c68203b66", "00000000000000000000000000000000" },
	/* a tag of all ones */
	{ 9, 127, 1, 96,
	  "98dec9691982b2574100b8430a2c4588", "ffffffffffffffffffffffffffffffff" },
};
