/**
 * Holds key endings that services, URL builders, XML and file systems have got wrong: each must
 * round trip and be listed as it is, or be refused; none may turn into another.
 */
export const weirdKeys: readonly string[] = [
  " leading and trailing ",
  "two  spaces",
  "plus+plus",
  "plus plus",
  "percent%41",
  "percentA",
  "percent%2Fslash",
  "percent/slash",
  "%",
  "%zz",
  "hash#tag",
  "question?versionId=1&x=y",
  "quotes\"and'more",
  "back\\slash",
  "stars*and|pipes^~`",
  "colon:semi;comma,at@equals=",
  "[brackets]{braces}(parens)",
  "<angle>&amp;",
  "$dollar!",
  "-dash",
  "_under",
  "~tilde",
  ".hidden",
  ".tmp-looks-temporary",
  "trailing.dot.",
  "a..b",
  "...",
  "con",
  "aux.txt",
  "x.lock",
  "UPPER",
  "upper",
  "caf\u00e9",
  "cafe\u0301",
  "日本語",
  "\ue000 private use",
  "\uff01 full width",
  "\u{1f600} above U+FFFF",
  "\u{10ffff}",
  "deep/er/and/deeper/still",
];

/** Key endings with segments that a path would resolve away. */
export const pathLikeKeys: readonly string[] = [
  "a/./b",
  "a/../b",
  "../b",
  "./b",
  "a//b",
  "/b",
  "b/",
  "..",
  ".",
  "a/..",
  "a/.",
  "//",
];

/** Keys that every driver refuses. */
export const refusedKeys: readonly string[] = [
  "",
  "nul\u0000byte",
  "line\nbreak",
  "tab\tstop",
  "delete\u007f",
  "lone\ud800surrogate",
  "\udc00",
];
